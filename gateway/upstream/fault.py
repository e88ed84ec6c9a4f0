"""What can go wrong between us and a backend, before its answer has begun or while it flows."""

from enum import Enum, auto

import aiohttp


class UpstreamFault(Enum):
    """The kinds of failure. UNREACHABLE: nothing was sent; LOST: the connection ended without an answer."""

    UNREACHABLE = auto()
    LOST = auto()
    TIMEOUT = auto()
    INVALID = auto()
    OVERLOADED = auto()


class UpstreamError(Exception):
    """A failed exchange with a backend; `detail` is a sentence that may be told to the client."""

    def __init__(self, fault: UpstreamFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


def translate(error: Exception, upstream: str) -> UpstreamError:
    """Return our word for what aiohttp's client raised."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return UpstreamError(UpstreamFault.TIMEOUT, f"No connection to {upstream} in time.")
        case TimeoutError():
            return UpstreamError(UpstreamFault.TIMEOUT, f"No answer from {upstream} in time.")
        case aiohttp.ClientConnectorError():
            return UpstreamError(UpstreamFault.UNREACHABLE, f"No connection to {upstream}.")
        case aiohttp.ClientConnectionError() | ConnectionError():
            return UpstreamError(UpstreamFault.LOST, f"{upstream} closed the connection without an answer.")
        case _:
            return UpstreamError(UpstreamFault.INVALID, f"The answer of {upstream} is not valid HTTP.")
