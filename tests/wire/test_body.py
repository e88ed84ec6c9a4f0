"""Bodies: the length, the chunked coding, and where exactly the next message begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.body import LAST_CHUNK, ChunkedBody, LengthBody, chunk
from gateway.wire.fault import WireError
from tests.conformance import messages
from tests.conformance.messages import Framing, cut
from tests.wire.reading import is_refused

NEXT = b"GET /next HTTP/1.1\r\n\r\n"

GOOD = {
    "empty": (b"0\r\n\r\n", b""),
    "one": (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "several": (b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"abc"),
    "capital hex": (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "small hex": (b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "leading zeros": (b"00005\r\nhello\r\n000\r\n\r\n", b"hello"),
    "an extension": (b"5;a=b\r\nhello\r\n0;last\r\n\r\n", b"hello"),
    "a quoted extension": (b'5;a="b;\\"c"\r\nhello\r\n0\r\n\r\n', b"hello"),
    "blanks before an extension": (b"5 \t;a\r\nhello\r\n0\r\n\r\n", b"hello"),
    "a trailer": (b"5\r\nhello\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n", b"hello"),
    "a trailer that names framing": (b"0\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\nHost: b\r\n\r\n", b""),
    "data that looks like an end": (b"7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n", b"0\r\n\r\n\r\n"),
}
BAD = {
    "no size": b"\r\n\r\n",
    "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "a minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "an underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "not hex": b"5g\r\nhello\r\n0\r\n\r\n",
    "quotes": b'"5"\r\nhello\r\n0\r\n\r\n',
    "a blank before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "a blank after the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "a tab after the size": b"5\t\r\nhello\r\n0\r\n\r\n",
    "a comma": b"5,5\r\nhello\r\n0\r\n\r\n",
    "2 to the 64th plus 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "many zeros and a wrap": b"f" * 40 + b"\r\nhello\r\n0\r\n\r\n",
    "a size of 1 MiB of digits": b"0" * (1 << 20) + b"5\r\nhello\r\n0\r\n\r\n",
    "a size ended by LF": b"5\nhello\r\n0\r\n\r\n",
    "a size ended by CR": b"5\rhello\r\n0\r\n\r\n",
    "a size ended by CR CR LF": b"5\r\r\nhello\r\n0\r\n\r\n",
    "data longer than the size": b"5\r\nhelloX\r\n0\r\n\r\n",
    "data ended by LF": b"5\r\nhello\n0\r\n\r\n",
    "data ended by CR": b"5\r\nhello\r0\r\n\r\n",
    "data not ended": b"5\r\nhello0\r\n\r\n",
    "two bytes for the end": b"5\r\nhelloXX0\r\n\r\n",
    "the last chunk ended by LF": b"5\r\nhello\r\n0\n\r\n",
    "the end ended by LF": b"5\r\nhello\r\n0\r\n\n",
    "LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "LF in the last extension": b"0;a\n\r\n\r\n",
    "NUL in an extension": b"5;a\0b\r\nhello\r\n0\r\n\r\n",
    "a CRLF in a quoted extension": b'5;a="\r\nhello"\r\n0\r\n\r\n',
    "an extension of 1 KiB": b"5;" + b"a" * 1024 + b"\r\nhello\r\n0\r\n\r\n",
    "a trailer without a colon": b"0\r\nGET / HTTP/1.1\r\n\r\n",
    "a trailer with a blank before the colon": b"0\r\nX : 1\r\n\r\n",
    "a folded trailer": b"0\r\nX: 1\r\n 2\r\n\r\n",
    "a trailer with LF": b"0\r\nX: 1\nY: 2\r\n\r\n",
    "a trailer with NUL": b"0\r\nX: \0\r\n\r\n",
    "a trailer with a byte over 0x7F in its name": b"0\r\nX\x85: 1\r\n\r\n",
    "16 KiB of trailers": b"0\r\n" + b"X-T: %s\r\n" % (b"a" * 100) * 160 + b"\r\n",
    "one trailer of 16 KiB": b"0\r\nX-T: " + b"a" * 16384 + b"\r\n\r\n",
}


def _read(pieces: list[bytes]) -> tuple[bytes, bytes, bool]:
    """Return the payload, what follows, and whether the body is complete."""
    body, payload, rest = ChunkedBody(), b"", b""
    for piece in pieces:
        if body.is_done:
            rest += piece
            continue
        part, more = body.feed(piece)
        payload += part
        rest += more
    return payload, rest, body.is_done


def _decode(data: bytes) -> bytes:
    return _read([data])[0]


def _decode_slowly(data: bytes) -> bytes:
    return _read([data[at : at + 1] for at in range(len(data))])[0]


@pytest.mark.parametrize(("data", "payload"), GOOD.values(), ids=GOOD.keys())
def test_a_chunked_body_ends_exactly_where_it_ends_wherever_it_is_cut(data: bytes, payload: bytes) -> None:
    for at in range(len(data) + 1):
        assert _read([data[:at], data[at:] + NEXT]) == (payload, NEXT, True)
    assert _read([data[at : at + 1] for at in range(len(data))]) == (payload, b"", True)


@pytest.mark.parametrize("data", [data for data, _ in GOOD.values()], ids=GOOD.keys())
def test_a_chunked_body_is_not_complete_before_its_last_byte(data: bytes) -> None:
    for at in range(len(data)):
        assert not _read([data[:at]])[2]


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_a_chunked_body_off_the_grammar_is_refused(data: bytes) -> None:
    assert is_refused(_decode, data)


@pytest.mark.parametrize("data", [data for data in BAD.values() if len(data) < 3000])
def test_a_chunked_body_off_the_grammar_is_refused_byte_by_byte_too(data: bytes) -> None:
    assert is_refused(_decode_slowly, data)


@given(messages.framings(messages.small, "chunked"), messages.cuts())
def test_any_chunked_body_cut_anywhere_is_what_was_sent(sent: Framing, places: list[float]) -> None:
    payload, rest, is_done = _read([*cut(sent.wire() + NEXT, places)])
    assert (payload, rest, is_done) == (sent.body, NEXT, True)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5), messages.cuts())
def test_what_we_write_in_chunks_is_read_back(parts: list[bytes], places: list[float]) -> None:
    data = b"".join(chunk(part) for part in parts) + LAST_CHUNK
    assert _read(cut(data, places)) == (b"".join(parts), b"", True)


@given(st.binary(max_size=60), messages.cuts())
def test_any_bytes_mean_the_same_however_they_are_cut(data: bytes, places: list[float]) -> None:
    assert _outcome([data]) == _outcome(cut(data, places))


@given(
    messages.framings(messages.small, "chunked"),
    st.floats(0, 1),
    st.binary(max_size=2),
    st.integers(0, 2),
    messages.cuts(),
)
def test_a_damaged_body_means_the_same_however_it_is_cut(
    sent: Framing, place: float, inserted: bytes, dropped: int, places: list[float]
) -> None:
    whole = sent.wire()
    at = round(place * len(whole))
    data = whole[:at] + inserted + whole[at + dropped :] + NEXT
    assert _outcome([data]) == _outcome(cut(data, places))


def _outcome(pieces: list[bytes]) -> tuple[bytes, bytes, bool] | None:
    """Return what came out at the end, None when it was refused at any point."""
    try:
        return _read(pieces)
    except WireError:
        return None


@given(st.binary(max_size=50), st.binary(max_size=20), messages.cuts())
def test_a_body_of_known_length_ends_exactly_there(data: bytes, following: bytes, places: list[float]) -> None:
    body, payload, rest = LengthBody(len(data)), b"", b""
    for piece in cut(data + following, places):
        part, more = body.feed(piece)
        payload += part
        rest += more
    assert (payload, rest) == (data, following)
    assert body.is_done or not data + following


def test_a_body_that_is_not_all_there_is_not_complete() -> None:
    body = LengthBody(5)
    assert body.feed(b"hell") == (b"hell", b"")
    assert not body.is_done
    assert body.feed(b"oX") == (b"o", b"X")
    assert body.is_done


def test_a_chunk_of_great_size_is_passed_on_as_it_comes() -> None:
    body = ChunkedBody()
    assert body.feed(b"7fffffff\r\nabc") == (b"abc", b"")
    assert body.feed(b"def") == (b"def", b"")
    assert not body.is_done
