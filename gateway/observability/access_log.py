"""One JSON line a request. Never a query, a token, a header or a consumer's claims."""

import logging
from dataclasses import dataclass
from typing import Final, Protocol

import orjson

LOGGER: Final = "crossfade.access"
BATCH: Final = 512


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

    @property
    def is_on(self) -> bool:
        """Whether it is worth making an entry of a request that has just ended; sampling answers here."""
        ...

    def write(self, entry: Entry) -> None:
        """Note one request."""
        ...

    def flush(self) -> None:
        """Write what has been noted."""
        ...


class JsonAccessLog:
    """Collects lines and writes them to the logger `crossfade.access` in batches, so that no request waits for a disk.

    `sample` is the share of requests that are noted, 0–1. At most BATCH lines are held between two flushes.
    """

    def __init__(self, sample: float = 1.0) -> None:
        self._log = logging.getLogger(LOGGER)
        self._lines: list[bytes] = []
        self._sample = sample
        self._due = 0.0

    @property
    def is_on(self) -> bool:
        """Whether this request is one of the sample."""
        self._due += self._sample
        if self._due < 1:
            return False
        self._due -= 1
        return self._log.isEnabledFor(logging.INFO)

    def write(self, entry: Entry) -> None:
        """Add one line."""
        self._lines.append(orjson.dumps(entry))
        if len(self._lines) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what has been collected, in one call of the logger."""
        if self._lines:
            lines, self._lines = self._lines, []
            self._log.info(b"\n".join(lines).decode())


class NoAccessLog:
    """Writes nothing."""

    is_on = False

    def write(self, entry: Entry) -> None:
        """Drop it."""

    def flush(self) -> None:
        """There is nothing to write."""
