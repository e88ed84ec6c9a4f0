"""Answer heads: a backend is believed no more than a client."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance import messages
from tests.conformance.messages import Message, cut
from tests.wire.reading import Seen, answer, is_refused, read_answers

QUICK = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))

LINES = {
    "HTTP/1.1 200 OK": ("200", "OK"),
    "HTTP/1.0 200 OK": ("200", "OK"),
    "HTTP/1.1 200 ": ("200", ""),
    "HTTP/1.1 200": ("200", ""),
    "HTTP/1.1 404 Not  Found\there": ("404", "Not  Found\there"),
    "HTTP/1.1 418 \xe9\xff": ("418", "\xe9\xff"),
    "HTTP/1.1 103 Early Hints": ("103", "Early Hints"),
    "HTTP/1.1 599 x": ("599", "x"),
}
BAD_LINES = [
    "",
    "HTTP/1.1",
    "HTTP/1.1 ",
    "HTTP/1.1 OK",
    "HTTP/1.1  200 OK",
    " HTTP/1.1 200 OK",
    "HTTP/1.1\t200 OK",
    "HTTP/1.1 200\tOK",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 099 OK",
    "HTTP/1.1 000 OK",
    "HTTP/1.1 2x0 OK",
    "HTTP/1.1 +20 OK",
    "HTTP/1.1 \u0662\u0660\u0660 OK".encode().decode("latin-1"),
    "HTTP/1.1 200OK",
    "HTTP/1.1 200,OK",
    "HTTP/1.2 200 OK",
    "HTTP/2.0 200 OK",
    "HTTP/2 200 OK",
    "HTTP/0.9 200 OK",
    "http/1.1 200 OK",
    "HTTPX 200 OK",
    "ICY 200 OK",
    "RTSP/1.0 200 OK",
    "HTTP/1.1 200 O\0K",
    "HTTP/1.1 200 O\rK",
    "HTTP/1.1 200 O\nK",
    "HTTP/1.1 200 OK\x0b",
    "<html>",
]
FRAMINGS = {
    "": (False, None),
    "Content-Length: 0\r\n": (False, 0),
    "Content-Length: 5\r\n": (False, 5),
    "Content-Length: 005\r\n": (False, 5),
    "Transfer-Encoding: chunked\r\n": (True, None),
    "transfer-encoding:\tChunked \r\n": (True, None),
}
BAD_FRAMINGS = [
    "Content-Length: 5\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\ncontent-length: 6\r\n",
    *(f"Content-Length: {text}\r\n" for text in ["", "5, 5", "+5", "-1", "0x5", "5x", "5.0", "5 5", "9" * 30]),
    "Content-Length : 5\r\n",
    "Content-Length\x85: 5\r\n",
    "Content-Length\r\n",
    "Content-Length:\r\n 5\r\n",
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    *(f"Transfer-Encoding: {text}\r\n" for text in ["", "gzip", "identity", "gzip, chunked", "chunked, gzip"]),
    *(f"Transfer-Encoding: {text}\r\n" for text in ["chunked, chunked", "chunked,", "xchunked", "\x0bchunked"]),
    "X: a\r\n b\r\n",
    "X: a\0b\r\n",
    "X: a\rb\r\n",
    "X: a\nb\r\n",
    "\x85X: a\r\n",
]


def _head(line: str = "HTTP/1.1 200 OK", fields: str = "") -> bytes:
    return f"{line}\r\n{fields}\r\n".encode("latin-1")


@pytest.mark.parametrize(("line", "expected"), LINES.items())
def test_a_status_line_is_read(line: str, expected: tuple[str, str]) -> None:
    assert answer(_head(line)).start == expected


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_status_line_off_the_grammar_is_refused(line: str) -> None:
    assert is_refused(answer, _head(line))


@pytest.mark.parametrize(("fields", "expected"), FRAMINGS.items())
def test_the_framing_is_read(fields: str, expected: tuple[bool, int | None]) -> None:
    seen = answer(_head(fields=fields))
    assert (seen.is_chunked, seen.length) == expected


@pytest.mark.parametrize("fields", BAD_FRAMINGS)
def test_a_head_that_two_parsers_could_read_differently_is_refused(fields: str) -> None:
    assert is_refused(answer, _head(fields=fields))


def test_chunks_in_http_1_0_are_refused() -> None:
    assert is_refused(answer, _head("HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\n"))


@pytest.mark.parametrize(
    ("version", "connection", "is_last"),
    [
        ("1.1", "", False),
        ("1.1", "Connection: close\r\n", True),
        ("1.1", "Connection: X-A, CLOSE\r\n", True),
        ("1.1", "Connection: keep-alive\r\n", False),
        ("1.0", "", True),
        ("1.0", "Connection: Keep-Alive\r\n", False),
        ("1.0", "Connection: close\r\n", True),
    ],
)
def test_whether_the_connection_can_be_used_again_is_known(version: str, connection: str, is_last: bool) -> None:
    assert answer(_head(f"HTTP/{version} 200 OK", connection)).is_last is is_last


@pytest.mark.parametrize("status", ["204", "304", "100", "103"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_answer_that_has_no_body_by_its_status_ends_with_its_head(status: str, framing: str) -> None:
    seen, rest = read_answers([_head(f"HTTP/1.1 {status} x", framing) + _head("HTTP/1.1 200 OK")])
    assert ([one.start[0] for one in seen], rest) == ([status, "200"], b"")


@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_answer_to_head_ends_with_its_head(framing: str) -> None:
    seen, rest = read_answers([_head(fields=framing) * 2], to_head=True)
    assert ([one.body for one in seen], rest) == ([b"", b""], b"")


def test_an_answer_without_a_length_takes_everything_until_the_end() -> None:
    seen, rest = read_answers([_head(), b"all of ", _head("HTTP/1.1 200 evil"), b"this"])
    assert ([one.body for one in seen], rest) == ([b"all of HTTP/1.1 200 evil\r\n\r\nthis"], b"")


def _kept(seen: Seen) -> list[tuple[bytes, bytes]]:
    framing = {"content-length", "transfer-encoding"}
    return [(name.lower().encode(), value) for name, value in seen.fields if name.lower() not in framing]


def _is_counted(message: Message) -> bool:
    return message.framing.kind != "end"


@QUICK
@given(st.lists(messages.answers().filter(_is_counted), min_size=1, max_size=3), messages.cuts())
def test_answers_cut_anywhere_are_read_as_sent_and_never_merge_or_split(
    sent: list[Message], places: list[float]
) -> None:
    seen, rest = read_answers(cut(b"".join(message.answer() for message in sent), places))
    finals = [one for one in seen if one.start[0] != "103"]
    assert [(one.start[0].encode(), _kept(one), one.body) for one in finals] == [
        (message.start[0], message.kept(), message.framing.body) for message in sent
    ]
    assert rest == b""


@settings(QUICK, max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 "]))
def test_any_bytes_are_parsed_or_refused_but_nothing_else_happens(data: bytes, start: bytes) -> None:
    is_refused(answer, start + data + b"\r\n\r\n")
