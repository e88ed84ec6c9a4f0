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
    `sent` is what of it usually goes on: `raw`, or nothing.
    """

    __slots__ = ("key", "name", "raw", "sent", "value")

    def __init__(self, name: bytes, value: bytes) -> None:
        self.name = name.decode("ascii").lower()
        self.key = self.name.replace("_", "-")
        self.value = value.decode("latin-1")
        self.raw = name + b": " + value + b"\r\n"
        self.sent = self.raw

    def __repr__(self) -> str:
        return f"<Line {self.name}>"


class LineMemo:
    """Owns the parsed lines of two generations: when the young one is full it becomes the old one.

    `dropped` are the keys of lines that do not go on. `young` may be looked into; who finds nothing there calls
    `recall`.
    """

    __slots__ = ("_old", "dropped", "young")

    def __init__(self, dropped: frozenset[str] = frozenset()) -> None:
        self.dropped = dropped
        self.young: dict[bytes, Line] = {}
        self._old: dict[bytes, Line] = {}

    def __repr__(self) -> str:
        return f"<LineMemo {len(self.young)} young, {len(self._old)} old>"

    def recall(self, raw: bytes) -> Line:
        """Return a line that is not among the young ones; raises WireError."""
        line = self._old.get(raw)
        if line is None:
            line = parse_line(raw)
            if line.key in self.dropped:
                line.sent = b""
        if line.name not in ONCE and len(raw) <= MEMO_LINE_BYTES:
            if len(self.young) >= MEMO_LINES:
                self._old, self.young = self.young, {}
            self.young[raw] = line
        return line


def parse_line(raw: bytes) -> Line:
    """Parse one field line without its end; raises WireError."""
    found = FIELD.fullmatch(raw)
    if found is None:
        raise WireError("A header field is malformed.")
    return Line(found[1], found[2].rstrip(b" \t"))
