"""Field lines, parsed once for each distinct line.

Clients and backends send the same lines again and again (their names, their user agents, their tokens), so a bounded
memo from the raw line to its parsed form saves most of a parser's work. A line is re-serialised from what was parsed,
never passed on as it came.
"""

import re
from typing import Final

from gateway.wire.fault import WireError

FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
"""`field-name ":" OWS field-value OWS` (RFC 9112 section 5): no blank before the colon, no control bytes or folds."""

ONCE: Final = frozenset({"traceparent", "tracestate", "x-request-id", "etag", "if-none-match"})
"""Fields whose lines hardly ever come twice: remembering them would only push others out."""

MEMO_LINES: Final = 4096
"""Lines in each of the two generations of the memo."""

MEMO_LINE_BYTES: Final = 2048
"""Longer lines are not remembered: 2 × 4096 lines of at most this length bound the memo at about 40 MiB."""


class Line:
    """One field line. `name` is lower case; `key` is the name with `_` as `-`, as CGI-like backends fold it.

    `value` is decoded as ISO 8859-1, so that every byte survives; `raw` is the line as we write it, with its end.
    """

    __slots__ = ("key", "name", "raw", "value")

    def __init__(self, name: bytes, value: bytes) -> None:
        self.name = name.decode("ascii").lower()
        self.key = self.name.replace("_", "-")
        self.value = value.decode("latin-1")
        self.raw = name + b": " + value + b"\r\n"

    def __repr__(self) -> str:
        return f"<Line {self.name}>"


class LineMemo:
    """Owns the parsed lines of two generations: when the young one is full it becomes the old one."""

    __slots__ = ("_old", "_young")

    def __init__(self) -> None:
        self._young: dict[bytes, Line] = {}
        self._old: dict[bytes, Line] = {}

    def __repr__(self) -> str:
        return f"<LineMemo {len(self._young)} young, {len(self._old)} old>"

    def parse(self, raws: list[bytes]) -> list[Line]:
        """Return the lines of a head; raises WireError."""
        known = self._young.get
        return [known(raw) or self._recall(raw) for raw in raws]

    def _recall(self, raw: bytes) -> Line:
        line = self._old.get(raw) or parse_line(raw)
        if line.name not in ONCE and len(raw) <= MEMO_LINE_BYTES:
            if len(self._young) >= MEMO_LINES:
                self._old, self._young = self._young, {}
            self._young[raw] = line
        return line


def parse_line(raw: bytes) -> Line:
    """Parse one field line without its end; raises WireError."""
    found = FIELD.fullmatch(raw)
    if found is None:
        raise WireError("A header field is malformed.")
    return Line(found[1], found[2].rstrip(b" \t"))
