"""The wire package as its tests see it: bytes in, plain values out. Only this file knows its functions' signatures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gateway.wire.answer import AnswerHead, parse_answer
from gateway.wire.body import Body
from gateway.wire.fault import WireError
from gateway.wire.line import LineMemo
from gateway.wire.request import CHUNKED, Request, RequestMemo, parse_request

END = b"\r\n\r\n"
REQUESTS = RequestMemo()
REQUESTS.fields = LineMemo()  # drops no line, so that all are seen as they would be written
ANSWERS = LineMemo()
"""One memo for all tests, as a process has one: what it remembers must never change what a head means."""

type Fields = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Seen:
    """A head, and the body as far as it has come. `length` is None unless the head gives the body's length."""

    start: tuple[str, ...]
    fields: Fields
    is_chunked: bool
    length: int | None
    is_last: bool
    authority: str = ""
    body: bytes = b""


def request(head: bytes) -> Seen:
    """Parse a request's head, with its final empty line; raises WireError."""
    return _seen_request(_request(head))


def answer(head: bytes) -> Seen:
    """Parse an answer's head, with its final empty line; raises WireError."""
    return _seen_answer(_answer(head))


def read_requests(pieces: Sequence[bytes]) -> tuple[list[Seen], bytes]:
    """Read requests that follow each other, cut anywhere; returns them and what is left at the end."""
    return _Reader(_open_request).read(pieces)


def read_answers(pieces: Sequence[bytes], *, to_head: bool = False) -> tuple[list[Seen], bytes]:
    """Read answers that follow each other, cut anywhere; one that ends with the connection takes the rest."""

    def begin(head: bytes) -> tuple[Seen, Body]:
        parsed = _answer(head)
        return _seen_answer(parsed), parsed.decoder(to_head=to_head)

    return _Reader(begin).read(pieces)


def is_refused(parse: Callable[[bytes], object], data: bytes) -> bool:
    """Whether parsing raises WireError, and nothing else."""
    try:
        parse(data)
    except WireError:
        return True
    return False


def written(seen: Seen) -> bytes:
    """Return the lines of a head as a gateway would write them."""
    return b"".join(b"%s: %s\r\n" % (name.encode(), value) for name, value in seen.fields)


class _Reader:
    """Cuts a stream into messages, as a connection does."""

    def __init__(self, begin: Callable[[bytes], tuple[Seen, Body]]) -> None:
        self._begin = begin
        self._messages: list[Seen] = []
        self._buffer = b""
        self._body: Body | None = None

    def read(self, pieces: Sequence[bytes]) -> tuple[list[Seen], bytes]:
        for piece in pieces:
            self._buffer += piece
            while self._buffer and self._step():
                pass
        return self._messages, self._buffer

    def _step(self) -> bool:
        if self._body is None:
            end = self._buffer.find(END)
            if end < 0:
                return False
            seen, self._body = self._begin(self._buffer[: end + len(END)])
            self._messages.append(seen)
            self._buffer = self._buffer[end + len(END) :]
        payload, self._buffer = self._body.feed(self._buffer)
        last = self._messages[-1]
        self._messages[-1] = replace(last, body=last.body + payload)
        if self._body.is_done:
            self._body = None
            return True
        return False


def _request(head: bytes) -> Request:
    return parse_request(head.removesuffix(END), REQUESTS, "127.0.0.1")


def _answer(head: bytes) -> AnswerHead:
    return parse_answer(head.removesuffix(END), ANSWERS)


def _open_request(head: bytes) -> tuple[Seen, Body]:
    parsed = _request(head)
    return _seen_request(parsed), parsed.decoder()


def _seen_request(parsed: Request) -> Seen:
    is_chunked = parsed.length == CHUNKED
    return Seen(
        start=(parsed.method, parsed.line.target),
        fields=_fields(parsed),
        is_chunked=is_chunked,
        length=None if is_chunked else parsed.length,
        is_last=parsed.is_last,
        authority=parsed.host,
    )


def _seen_answer(parsed: AnswerHead) -> Seen:
    return Seen(
        start=(str(parsed.status), parsed.reason.decode("latin-1")),
        fields=_fields(parsed),
        is_chunked=parsed.framing.value == "chunked",
        length=parsed.length if parsed.framing.value == "length" else None,
        is_last=parsed.is_last,
    )


def _fields(parsed: Request | AnswerHead) -> Fields:
    """Return the fields as they would be written."""
    split = [line.sent.removesuffix(b"\r\n").partition(b":") for line in parsed.lines]
    return [(name.decode("ascii"), value.strip(b" \t")) for name, _, value in split]
