"""What can be wrong with a request before anybody has decided anything about it."""

from enum import Enum, auto


class RequestFault(Enum):
    """The kinds of requests that are refused while they are being read."""

    MALFORMED = auto()
    LINE_TOO_LONG = auto()
    HEADERS_TOO_LARGE = auto()
    BODY_TOO_LARGE = auto()
    TOO_SLOW = auto()
    TOO_MANY = auto()


class RequestError(Exception):
    """A request that cannot be served as it is; `detail` is a sentence for the client.

    `origin` is the page that sent it, where so much of it was read.
    """

    def __init__(self, fault: RequestFault, detail: str, origin: str | None = None) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail
        self.origin = origin
