"""One JSON line a request. Never a query, a token, a header or a consumer's claims."""

import logging
from dataclasses import dataclass
from typing import Final

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


class AccessLog:
    """Collects lines and writes them to the logger `crossfade.access` in batches, so that no request waits for a disk.

    `share` of the requests is noted, 0–1: evenly, every request or every tenth, not by chance. At most BATCH lines are
    held between two flushes.
    """

    def __init__(self) -> None:
        self.share = 1.0
        self._log = logging.getLogger(LOGGER)
        self._lines: list[bytes] = []
        self._due = 0.0

    def __repr__(self) -> str:
        return f"<AccessLog of {self.share:g}, {len(self._lines)} lines held>"

    def is_due(self) -> bool:
        """Return whether the request that has just ended is one of those that are noted."""
        self._due += self.share
        if self._due < 1:
            return False
        self._due -= 1
        return True

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
