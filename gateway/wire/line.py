"""Field lines, parsed once for each distinct line.

Clients and backends send the same lines again and again (their names, their user agents, their tokens), so a bounded
memo from the raw line to its parsed form saves most of a parser's work. A line is re-serialised from what was parsed,
never passed on as it came.
"""

import re
from typing import Final

from gateway.wire.fault import WireError

NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""What no field's value has (RFC 9110 section 5.5); a tab is none of them."""

HOPELESS: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n|\Z)")
"""In a head that is still incomplete: bytes that no later ones can mend (bare CR or LF, control bytes)."""

ONCE: Final = frozenset({"traceparent", "tracestate", "x-request-id", "etag", "if-none-match", "sec-websocket-key"})
"""Fields whose lines hardly ever come twice: remembering them would only push others out."""

MAX_NAME: Final = 256
"""Longer names of fields are refused: nobody sends any, and each that was sent is remembered."""

MEMO_NAMES: Final = 1024

MEMO_LINES: Final = 4096
"""Lines in each of the two generations of the memo."""

MEMO_LINE_BYTES: Final = 2048
"""Longer lines are not remembered: 2 × 4096 lines of at most this length bound the memo at about 40 MiB."""


class Line:
    """One field line. `name` is lower case; `key` is the name with `_` as `-`, as CGI-like backends fold it.

    `value` is decoded as ISO 8859-1, so that every byte survives; `sent` is what of it usually goes on: the line as we
    write it, with its end, or nothing.
    """

    __slots__ = ("key", "name", "sent", "value")

    def __init__(self, name: str, key: str, value: str, sent: bytes) -> None:
        self.name = name
        self.key = key
        self.value = value
        self.sent = sent

    def __repr__(self) -> str:
        return f"<Line {self.name}>"


class Name:
    """A field's name as it was written: `lower`, `key` (see Line), and how lines of that name are treated.

    `start` is how they begin when we write them.
    """

    __slots__ = ("is_dropped", "is_once", "key", "lower", "start")

    def __init__(self, raw: bytes, dropped: frozenset[str]) -> None:
        if NAME.fullmatch(raw) is None or len(raw) > MAX_NAME:
            raise WireError("A header field is malformed.")
        self.lower = raw.decode("ascii").lower()
        self.key = self.lower.replace("_", "-")
        self.is_dropped = self.key in dropped
        self.is_once = self.lower in ONCE
        self.start = raw + b": "

    def __repr__(self) -> str:
        return f"<Name {self.lower}>"


class LineMemo:
    """Owns the parsed lines of two generations: when the young one is full it becomes the old one.

    `dropped` are the keys of lines that do not go on.
    """

    __slots__ = ("_names", "_old", "_seen", "_young", "dropped")

    def __init__(self, dropped: frozenset[str] = frozenset()) -> None:
        self.dropped = dropped
        self._names: dict[bytes, Name] = {}
        self._young: dict[bytes, Line] = {}
        self._old: dict[bytes, Line] = {}
        self._seen: set[int] = set()

    def __repr__(self) -> str:
        return f"<LineMemo {len(self._young)} young, {len(self._old)} old>"

    def parse(self, raws: list[bytes]) -> list[Line]:
        """Return the lines of a head, given without their ends; raises WireError."""
        young = self._young
        return [young.get(raw) or self._recall(raw) for raw in raws]

    def _recall(self, raw: bytes) -> Line:
        """Parse a line, or find it among the old ones."""
        line = self._old.get(raw)
        if line is None:
            written, colon, value = raw.partition(b": ")
            name, text = self._names.get(written), value.decode("latin-1")
            # Nearly all are written as we would write them: a known name, one blank, and nothing but printable
            # characters, of which the first and the last are no blanks.
            if not colon or name is None or not text.isprintable() or text.strip(" ") != text:
                name, text, raw_sent = self._parse(raw)
            else:
                raw_sent = raw
            line = Line(name.lower, name.key, text, b"" if name.is_dropped else raw_sent + b"\r\n")
            if name.is_once:
                return line
            # One that comes for the first time is not kept yet: most that come once never come again.
            seen, mark = self._seen, hash(raw)
            if mark not in seen:
                if len(seen) >= MEMO_LINES:
                    seen.clear()
                seen.add(mark)
                return line
        if len(raw) <= MEMO_LINE_BYTES:
            if len(self._young) >= MEMO_LINES:
                self._old, self._young = self._young, {}
            self._young[raw] = line
        return line

    def _parse(self, raw: bytes) -> tuple[Name, str, bytes]:
        """Return a line's name and value, and how we write it; raises WireError.

        `field-name ":" OWS field-value OWS` (RFC 9112 section 5): no blank before the colon, no control bytes or folds.
        """
        written, colon, value = raw.partition(b":")
        if not colon or CONTROL.search(value) is not None:
            raise WireError("A header field is malformed.")
        name = self._names.get(written) or self._name(written)
        value = value.strip(b" \t")
        return name, value.decode("latin-1"), name.start + value

    def _name(self, written: bytes) -> Name:
        if len(self._names) >= MEMO_NAMES:
            self._names.clear()
        name = self._names[written] = Name(written, self.dropped)
        return name


def parse_line(raw: bytes) -> Line:
    """Parse one field line without its end, by itself; raises WireError."""
    return LineMemo().parse([raw])[0]
