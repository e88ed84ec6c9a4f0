"""Field lines: what is a field, what is refused, and a memo that never changes what a line means."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.fault import WireError
from gateway.wire.line import MEMO_LINES, LineMemo, parse_line
from tests.conformance.messages import TOKEN
from tests.wire.reading import REQUESTS, is_refused, request

GOOD = {
    b"Host: a": ("host", "a", b"Host: a\r\n"),
    b"Host:a": ("host", "a", b"Host: a\r\n"),
    b"Host:\t a \t": ("host", "a", b"Host: a\r\n"),
    b"X-Empty:": ("x-empty", "", b"X-Empty: \r\n"),
    b"X-Empty: \t ": ("x-empty", "", b"X-Empty: \r\n"),
    b"X: a:b: c": ("x", "a:b: c", b"X: a:b: c\r\n"),
    b"X: a\tb  c": ("x", "a\tb  c", b"X: a\tb  c\r\n"),
    b"X: \xc3\xa9\x80\xff": ("x", "\xc3\xa9\x80\xff", b"X: \xc3\xa9\x80\xff\r\n"),
    b"X.!#$%&'*+^_`|~09: v": ("x.!#$%&'*+^_`|~09", "v", b"X.!#$%&'*+^_`|~09: v\r\n"),
}
BAD = {
    "a blank before the colon": b"X-A : b",
    "a tab before the colon": b"X-A\t: b",
    "a blank before the name": b" X-A: b",
    "a fold": b"\tb",
    "a blank in the name": b"X A: b",
    "no colon": b"X-A",
    "no name": b": b",
    "nothing": b"",
    "a colon alone": b":",
    "brackets in the name": b"X[]: b",
    "a quote in the name": b'"X": b',
    "a comma in the name": b"X,Y: b",
    "a byte over 0x7F in the name": b"X\x85: b",
    "a no-break space in the name": b"X\xa0: b",
    "UTF-8 in the name": "Ünï: b".encode(),
    "a NUL in the name": b"X\0: b",
    "DEL in the name": b"X\x7f: b",
    "a NUL in the value": b"X: a\0b",
    "a bare CR in the value": b"X: a\rb",
    "a bare LF in the value": b"X: a\nb",
    "a CR at the end": b"X: a\r",
    "a LF at the end": b"X: a\n",
    "a LF before the name": b"\nX: a",
    "BEL in the value": b"X: \x07",
    "a vertical tab around the value": b"X: \x0ba",
    "a form feed at the end": b"X: a\x0c",
    "DEL in the value": b"X: a\x7f",
    "a backspace in the value": b"X: a\x08",
    "the last control byte": b"X: a\x1fb",
}
names = st.text(TOKEN.decode(), min_size=1, max_size=20).map(str.encode)
values = st.binary(max_size=40).map(lambda data: bytes(b for b in data if b == 9 or (b >= 0x20 and b != 0x7F)))
blanks = st.text(" \t", max_size=3).map(str.encode)


@pytest.mark.parametrize(("raw", "expected"), GOOD.items())
def test_a_field_line_is_read_and_written_anew(raw: bytes, expected: tuple[str, str, bytes]) -> None:
    line = parse_line(raw)
    assert (line.name, line.value, line.sent) == expected


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
def test_what_is_no_field_line_is_refused(raw: bytes) -> None:
    with pytest.raises(WireError):
        parse_line(raw)


@pytest.mark.parametrize("raw", [b"X_User_Id: 1", b"X-User_Id: 1", b"x-user-id: 1"])
def test_names_that_a_backend_folds_together_have_one_key(raw: bytes) -> None:
    assert parse_line(raw).key == "x-user-id"


@given(names, blanks, values, blanks)
def test_any_field_keeps_its_value_to_the_byte(name: bytes, before: bytes, value: bytes, after: bytes) -> None:
    line = parse_line(name + b":" + before + value + after)
    meant = value.strip(b" \t")
    assert (line.name, line.value.encode("latin-1")) == (name.decode().lower(), meant)
    assert parse_line(line.sent.removesuffix(b"\r\n")).sent == line.sent


@given(names, blanks, values, blanks)
def test_a_known_name_changes_nothing(name: bytes, before: bytes, value: bytes, after: bytes) -> None:
    raw = name + b":" + before + value + after
    memo = LineMemo()
    memo.parse([name + b": 1"])
    known, new = memo.parse([raw])[0], parse_line(raw)
    assert (known.name, known.key, known.value, known.sent) == (new.name, new.key, new.value, new.sent)


@given(st.binary(max_size=40))
def test_any_bytes_after_a_known_name_are_read_as_after_an_unknown_one(rest: bytes) -> None:
    memo = LineMemo()
    memo.parse([b"X: 1"])
    found: list[tuple[str, bytes] | None] = []
    for parse in (lambda raw: memo.parse([raw])[0], parse_line):
        try:
            line = parse(b"X" + rest)
        except WireError:
            found.append(None)
        else:
            found.append((line.value, line.sent))
    assert found[0] == found[1]


@given(st.binary(max_size=40))
def test_any_bytes_are_a_clean_line_or_refused(raw: bytes) -> None:
    try:
        line = parse_line(raw)
    except WireError:
        return
    inside = line.sent.removesuffix(b"\r\n")
    assert not any(byte in inside for byte in b"\0\r\n")
    assert inside.partition(b":")[0].decode("ascii").lower() == line.name


def test_what_is_remembered_never_changes_what_a_line_means() -> None:
    for number in range(20_000):
        head = b"GET /x HTTP/1.1\r\nHost: a\r\nX-%d: %d\r\n\r\n" % (number % 7, number)
        assert request(head).fields[1] == (f"X-{number % 7}", str(number).encode())
    again = request(b"GET /x HTTP/1.1\r\nHost: a\r\nX-0: 0\r\nX-0: 0\r\nx-0:0\r\n\r\n").fields[1:]
    assert again == [("X-0", b"0"), ("X-0", b"0"), ("x-0", b"0")]


def test_a_bad_line_is_refused_each_time_and_spoils_no_good_one() -> None:
    for _ in range(3):
        assert is_refused(request, b"GET /x HTTP/1.1\r\nHost: a\r\nX: good\r\nX : bad\r\n\r\n")
        assert request(b"GET /x HTTP/1.1\r\nHost: a\r\nX: good\r\n\r\n").fields[1] == ("X", b"good")


def test_a_memo_stays_small_however_many_lines_come() -> None:
    for number in range(20_000):
        request(b"GET /%d HTTP/1.1\r\nHost: a%d\r\nX: %d\r\n\r\n" % (number, number, number))
    numbers = [int(word) for word in re.findall(r"\d+", repr(REQUESTS))]
    assert numbers
    assert max(numbers) <= 5_000


def test_a_line_is_remembered_when_it_comes_again() -> None:
    memo = LineMemo()
    first, second, third = (memo.parse([b"X-A: 1"])[0] for _ in range(3))
    assert first is not second
    assert second is third


def test_lines_that_come_once_push_nothing_out() -> None:
    memo = LineMemo()
    known = [memo.parse([b"X-A: 1"])[0] for _ in range(2)][1]
    for number in range(3 * MEMO_LINES):
        memo.parse([b"X-B: %d" % number])
    assert memo.parse([b"X-A: 1"])[0] is known
    assert repr(memo) == "<LineMemo 1 young, 0 old>"
