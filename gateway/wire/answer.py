"""An answer's head, parsed as strictly as a request's: the backend is not trusted either (RFC 9112 sections 4, 6)."""

import re
from functools import lru_cache
from typing import Final

from gateway.wire.body import Body, ChunkedBody, Framing, LengthBody, UntilClose, content_length
from gateway.wire.fault import WireError
from gateway.wire.hop import ends_connection
from gateway.wire.line import HOPELESS, Line, LineMemo

MAX_HEAD_BYTES: Final = 64 * 1024
STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([^\x00-\x08\x0a-\x1f\x7f]*))?")
SINGLE: Final = frozenset({"content-length", "transfer-encoding", "content-type", "location"})
BODILESS: Final = frozenset({204, 304})


class AnswerHead:
    """One parsed answer head: status, reason phrase, the lines in their order, and how the body is framed.

    `is_sized`: to any request but HEAD a body of `length` bytes follows.
    """

    __slots__ = ("framing", "is_last", "is_sized", "length", "lines", "lookup", "reason", "status")

    def __init__(self, status: int, reason: bytes, lines: list[Line], lookup: dict[str, str]) -> None:
        self.status = status
        self.reason = reason
        self.lines = lines
        self.lookup = lookup
        self.framing = Framing.CLOSE
        self.length = 0
        self.is_sized = False
        self.is_last = False

    def __repr__(self) -> str:
        return f"<AnswerHead {self.status} {self.framing.value}>"

    @property
    def is_event_stream(self) -> bool:
        """Whether its body comes when something happens; nobody can say how long that takes."""
        return self.lookup.get("content-type", "").startswith("text/event-stream")

    @property
    def is_interim(self) -> bool:
        """Whether a final answer follows (1xx, but 101 ends HTTP)."""
        return self.status < 200 and self.status != 101

    def decoder(self, *, to_head: bool) -> Body:
        """Return the decoder of its body; an answer to HEAD, a 204 and a 304 have none (RFC 9112 section 6.3)."""
        if to_head or self.status in BODILESS or self.status < 200:
            return LengthBody(0)
        if self.framing is Framing.CHUNKED:
            return ChunkedBody()
        return LengthBody(self.length) if self.framing is Framing.LENGTH else UntilClose()


def is_hopeless(begun: bytes, looked_at: int) -> bool:
    """Return whether nothing that follows can make a head of these bytes, of which so many were looked at before."""
    if len(begun) > MAX_HEAD_BYTES or b"HTTP/1."[: len(begun)] != begun[:7]:
        return True
    # Not from the start: single bytes must not have all of them looked at each time.
    return HOPELESS.search(begun, max(0, looked_at - 1)) is not None


def parse_answer(block: bytes, memo: LineMemo) -> AnswerHead:
    """Parse a head without its final empty line; raises WireError."""
    if len(block) > MAX_HEAD_BYTES:
        raise WireError("The head is too large.")
    raws = block.split(b"\r\n")
    status, reason, is_old = _status_line(raws.pop(0))
    lines = memo.parse(raws)
    lookup = {line.name: line.value for line in lines}
    if len(lookup) != len(lines):
        _check_singles(lines)
        options = [line.value for line in lines if line.name == "connection"]
        if options:
            lookup["connection"] = ", ".join(options)
    head = AnswerHead(status, reason, lines, lookup)
    if "transfer-encoding" in lookup:
        _frame_coded(head, lookup, is_old=is_old)
    elif "content-length" in lookup:
        head.length = content_length(lookup["content-length"])
        head.framing = Framing.LENGTH
        head.is_sized = status >= 200 and status not in BODILESS
    connection = lookup.get("connection")
    if connection is not None:
        head.is_last = ends_connection(connection, is_old=is_old)
    else:
        head.is_last = is_old
    return head


@lru_cache(maxsize=256)
def _status_line(raw: bytes) -> tuple[int, bytes, bool]:
    """Return status, reason phrase, and whether it is HTTP/1.0."""
    found = STATUS_LINE.fullmatch(raw)
    if found is None:
        raise WireError("The status line is malformed.")
    return int(found[2]), found[3] or b"", found[1] == b"0"


def _frame_coded(head: AnswerHead, lookup: dict[str, str], *, is_old: bool) -> None:
    if "content-length" in lookup or lookup["transfer-encoding"].lower() != "chunked" or is_old:
        raise WireError("The answer's framing is ambiguous.")
    head.framing = Framing.CHUNKED


def _check_singles(lines: list[Line]) -> None:
    seen: set[str] = set()
    for line in lines:
        if line.name in seen and line.name in SINGLE:
            raise WireError(f"The field {line.name} comes twice.")
        seen.add(line.name)
