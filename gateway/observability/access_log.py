"""One JSON line a request. Never a query, a token, a header or a consumer's claims."""

import logging
from dataclasses import dataclass
from typing import Final, Protocol

import orjson

LOGGER: Final = "crossfade.access"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is worth knowing about one finished request. `status` 499 means that the client left first."""

    request_id: str
    method: str
    path: str
    status: int
    owner: str
    side: str
    reason: str
    consumer: str | None
    milliseconds: float


class AccessLog(Protocol):
    """Where finished requests are noted."""

    def write(self, entry: Entry) -> None:
        """Note one request."""
        ...


class JsonAccessLog:
    """Writes to the logger `crossfade.access`, whose handlers decide where that goes."""

    def __init__(self) -> None:
        self._log = logging.getLogger(LOGGER)

    def write(self, entry: Entry) -> None:
        """Write one line."""
        if self._log.isEnabledFor(logging.INFO):
            self._log.info(orjson.dumps(entry).decode())


class NoAccessLog:
    """Writes nothing."""

    def write(self, entry: Entry) -> None:
        """Drop it."""
