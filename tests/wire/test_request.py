"""Request heads: what is served, what is refused, and that cutting never changes what was said."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.wire.fault import WireError
from tests.conformance import messages
from tests.conformance.corpus.strict import parse
from tests.conformance.messages import Message, cut
from tests.wire.reading import Seen, is_refused, read_requests, request, written

HOST = b"Host: a\r\n"
QUICK = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))

LINES = {
    "GET /x HTTP/1.1": ("GET", "/x"),
    "GET /x HTTP/1.0": ("GET", "/x"),
    "GET / HTTP/1.1": ("GET", "/"),
    "GET //x//y HTTP/1.1": ("GET", "//x//y"),
    "GET /x? HTTP/1.1": ("GET", "/x?"),
    "GET /%41%2f?a=%00&b HTTP/1.1": ("GET", "/%41%2f?a=%00&b"),
    "GET /x?y=http://z/?a HTTP/1.1": ("GET", "/x?y=http://z/?a"),
    "OPTIONS * HTTP/1.1": ("OPTIONS", "*"),
    "OPTIONS /x HTTP/1.1": ("OPTIONS", "/x"),
    "GET http://b/x?y HTTP/1.1": ("GET", "/x?y"),
    "GET http://b:80/x HTTP/1.1": ("GET", "/x"),
    "GET https://b/x HTTP/1.1": ("GET", "/x"),
    "GET http://b HTTP/1.1": ("GET", "/"),
    "GET http://[::1]:80/x HTTP/1.1": ("GET", "/x"),
    "BREW /x HTTP/1.1": ("BREW", "/x"),
    "M-SEARCH /x HTTP/1.1": ("M-SEARCH", "/x"),
    "get /x HTTP/1.1": ("get", "/x"),
}
BAD_LINES = [
    "GET /x",
    "GET /x ",
    "GET",
    "",
    " GET /x HTTP/1.1",
    "GET  /x HTTP/1.1",
    "GET /x  HTTP/1.1",
    "GET /x HTTP/1.1 ",
    "GET /x HTTP/1.1 x",
    "GET\t/x\tHTTP/1.1",
    "GET\x0b/x HTTP/1.1",
    "GET /x y HTTP/1.1",
    "GET  HTTP/1.1",
    "GET /x HTTP/1.1\t",
    *(f"GET /x {version}" for version in ["HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/2", "HTTP/9.9", "HTTP/3"]),
    *(f"GET /x {version}" for version in ["http/1.1", "HTTP/1.10", "HTTP/01.1", "HTTP/1", "HTTP/1.", "HTTP/.1"]),
    *(f"GET /x {version}" for version in ["HTTP/1,1", "HTTP/ 1.1", "HTTP /1.1", "HTTPS/1.1", "ICY/1.1", "HTTP/+1.1"]),
    *(f"GET {target} HTTP/1.1" for target in ["x", "*", "a:80", "?x", "#x", "/x#y", "/x?y#z", "/\x7f", "/é", "/\0"]),
    *(f"GET {target} HTTP/1.1" for target in ["ftp://a/x", "file:///x"]),
    *(f"GET {target} HTTP/1.1" for target in ["http:///x", "http://", "http://u@a/x", "http://u:p@a/x", "http://a#x"]),
    *(f"GET {target} HTTP/1.1" for target in ["http:/a/x", "http:a", "ws://a/x", "javascript:x", "http://a\\b/x"]),
    "POST * HTTP/1.1",
    "OPTIONS ** HTTP/1.1",
    "OPTIONS *? HTTP/1.1",
    "CONNECT a:80 HTTP/1.1",
    "CONNECT /x HTTP/1.1",
    "TRACE /x HTTP/1.1",
    'G"T /x HTTP/1.1',
    "G(T) /x HTTP/1.1",
    "GÉT /x HTTP/1.1",
    "GE\0T /x HTTP/1.1",
    "G:T /x HTTP/1.1",
    "A" * 200 + " /x HTTP/1.1",
]
HOSTS = ["a", "a.b-c.test:8080", "127.0.0.1", "[::1]", "[::1]:80", "xn--bcher-kva.test", "a_b", "A.TEST", "a%20b"]
BAD_HOSTS = [
    "",
    "a b",
    "a,b",
    "a, b",
    "a/b",
    "/",
    "u@a",
    "a@",
    "a:http",
    "a:80a",
    "a:-1",
    "a:+80",
    "a:80:80",
    "a:123456",
    "a#b",
    "a?b",
    "[::1",
    "::1]",
    "[]",
    "[::1]a",
    "a\\b",
    "a<b",
    'a"b',
    "a\tb",
    "http://a",
    "é",
]
LENGTHS = {"0": 0, "5": 5, "0005": 5, " 5 \t": 5, "123456789012345678": 123456789012345678}
BAD_LENGTHS = ["", "+5", "-5", "-0", "0x5", "5a", "5.0", "5e0", "0_5", "5 5", "5, 5", "5,", ",5", "5;", '"5"', "\x0b5"]
BAD_LENGTHS += ["5\0", "\xa05", "\xb2", "\xd9\xa5", "9" * 19, "9" * 40, "18446744073709551621", "5\x0c", "infinity"]
CODINGS = ["chunked", "Chunked", "CHUNKED", "\tchunked ", " chunked\t"]
BAD_CODINGS = [
    "",
    "identity",
    "gzip",
    "gzip, chunked",
    "chunked, gzip",
    "chunked, chunked",
    "chunked,",
    ",chunked",
    "chunked;q=1",
    '"chunked"',
    "'chunked'",
    "xchunked",
    "chunke",
    "chunked chunked",
    "\x0bchunked",
    "chunked\x0b",
    "\xa0chunked",
    "chunked\x85",
    "\x00chunked",
    "ch\u00fcnked",
    "\u212ahunked".encode().decode("latin-1"),
]


def _head(line: str, fields: bytes = HOST) -> bytes:
    return line.encode("latin-1") + b"\r\n" + fields + b"\r\n"


def _post(fields: str) -> bytes:
    return b"POST /x HTTP/1.1\r\n" + HOST + fields.encode("latin-1") + b"\r\n\r\n"


@pytest.mark.parametrize(("line", "expected"), LINES.items())
def test_a_request_line_is_read(line: str, expected: tuple[str, str]) -> None:
    assert request(_head(line)).start == expected


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_request_line_off_the_grammar_is_refused(line: str) -> None:
    assert is_refused(request, _head(line))


@pytest.mark.parametrize("host", HOSTS)
def test_a_valid_host_is_kept(host: str) -> None:
    assert request(_head("GET /x HTTP/1.1", f"Host: {host}\r\n".encode())).authority == host


@pytest.mark.parametrize("host", BAD_HOSTS)
@pytest.mark.parametrize("target", ["/x", "http://a/x"])
def test_an_invalid_host_is_refused_also_beside_an_absolute_target(host: str, target: str) -> None:
    assert is_refused(request, _head(f"GET {target} HTTP/1.1", f"Host: {host}\r\n".encode("latin-1")))


@pytest.mark.parametrize(
    "fields", [b"", b"Host: a\r\nHost: a\r\n", b"Host: a\r\nhOST: b\r\n", b"Host: a\r\nHost:\r\n", b"Hos: a\r\n"]
)
def test_no_host_and_two_hosts_are_refused(fields: bytes) -> None:
    assert is_refused(request, _head("GET /x HTTP/1.1", fields))


def test_http_1_0_needs_no_host() -> None:
    assert request(_head("GET /x HTTP/1.0", b"")).authority == ""


def test_an_absolute_targets_host_is_held_to_the_grammar_also_where_no_host_is_needed() -> None:
    assert is_refused(request, _head("GET http://evil,b:x/ HTTP/1.0", b""))


def test_an_absolute_targets_host_wins() -> None:
    assert request(_head("GET http://b:81/x HTTP/1.1")).authority == "b:81"


@pytest.mark.parametrize(("text", "length"), LENGTHS.items())
def test_a_content_length_is_read(text: str, length: int) -> None:
    seen = request(_post(f"Content-Length:{text}"))
    assert (seen.length, seen.is_chunked) == (length, False)


@pytest.mark.parametrize("text", BAD_LENGTHS)
def test_a_content_length_that_is_no_number_is_refused(text: str) -> None:
    assert is_refused(request, _post(f"Content-Length: {text}"))


@pytest.mark.parametrize("text", CODINGS)
def test_chunked_alone_is_the_coding_that_is_read(text: str) -> None:
    assert request(_post(f"Transfer-Encoding:{text}")).is_chunked


@pytest.mark.parametrize("text", BAD_CODINGS)
def test_any_other_transfer_coding_is_refused(text: str) -> None:
    assert is_refused(request, _post(f"Transfer-Encoding: {text}"))


@pytest.mark.parametrize(
    "fields",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: chunked\r\nContent-Length: 0",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\ncontent-length: 6",
        "Content-Length: 0\r\nContent-Length:",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\ntransfer-encoding: identity",
        "Transfer-Encoding:\r\n chunked",
        "Content-Length:\r\n 5",
        "Authorization: Bearer a\r\nAuthorization: Bearer b",
    ],
)
def test_fields_that_two_parsers_could_choose_between_are_refused(fields: str) -> None:
    assert is_refused(request, _post(fields))


def test_chunks_in_http_1_0_are_refused() -> None:
    assert is_refused(request, _head("POST /x HTTP/1.0", HOST + b"Transfer-Encoding: chunked\r\n"))


@pytest.mark.parametrize(
    ("version", "connection", "is_last"),
    [
        ("1.1", "", False),
        ("1.1", "Connection: close\r\n", True),
        ("1.1", "Connection: keep-alive\r\n", False),
        ("1.1", "Connection: X-A, Close\r\n", True),
        ("1.1", "Connection: X-A\r\nConnection: close\r\n", True),
        ("1.1", "Connection: close\r\nConnection: X-A\r\n", True),
        ("1.0", "", True),
        ("1.0", "Connection: keep-alive\r\n", False),
        ("1.0", "Connection: close\r\n", True),
    ],
)
def test_who_closes_the_connection_is_known(version: str, connection: str, is_last: bool) -> None:
    assert request(_head(f"GET /x HTTP/{version}", HOST + connection.encode())).is_last is is_last


def test_repeated_fields_stay_apart_and_in_order() -> None:
    seen = request(_head("GET /x HTTP/1.1", b"X-A: 1\r\nHost: a\r\nX-B: 2\r\nx-a: 3, 4\r\nX-A:\r\n"))
    assert seen.fields == [("X-A", b"1"), ("Host", b"a"), ("X-B", b"2"), ("x-a", b"3, 4"), ("X-A", b"")]


def test_a_body_that_looks_like_a_request_is_a_body() -> None:
    inner = _head("GET /inner HTTP/1.1")
    seen, rest = read_requests([b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(inner) + inner])
    assert ([one.start for one in seen], seen[0].body, rest) == ([("POST", "/x")], inner, b"")


def _expected(message: Message) -> tuple[tuple[str, ...], list[tuple[bytes, bytes]], bytes]:
    return (message.start[0].decode(), message.start[1].decode()), message.kept(), message.framing.body


def _kept(seen: Seen) -> list[tuple[bytes, bytes]]:
    framing = {"host", "content-length", "transfer-encoding"}
    return [(name.lower().encode(), value) for name, value in seen.fields if name.lower() not in framing]


@QUICK
@given(st.lists(messages.requests(), min_size=1, max_size=4), messages.cuts())
def test_requests_cut_anywhere_are_read_as_sent_and_never_merge_or_split(
    sent: list[Message], places: list[float]
) -> None:
    seen, rest = read_requests(cut(b"".join(message.request() for message in sent), places))
    assert [(one.start, _kept(one), one.body) for one in seen] == [_expected(message) for message in sent]
    assert rest == b""


@settings(QUICK, max_examples=20)
@given(st.lists(messages.requests(), min_size=2, max_size=2))
def test_requests_read_byte_by_byte_are_read_as_sent(sent: list[Message]) -> None:
    data = b"".join(message.request() for message in sent)
    seen, rest = read_requests([data[at : at + 1] for at in range(len(data))])
    assert [(one.start, _kept(one), one.body) for one in seen] == [_expected(message) for message in sent]
    assert rest == b""


@settings(QUICK, max_examples=300)
@given(
    messages.requests(),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0, 1]), st.binary(max_size=2)), min_size=1, max_size=3),
)
def test_a_damaged_head_is_refused_or_clean_when_written_anew(
    sent: Message, edits: list[tuple[float, int, bytes]]
) -> None:
    head = sent.request().partition(b"\r\n\r\n")[0]
    for place, dropped, inserted in edits:
        at = round(place * len(head))
        head = head[:at] + inserted + head[at + dropped :]
    if b"\r\n\r\n" in head + b"\r\n":
        return  # a shorter head, and no longer this one
    try:
        seen = request(head + b"\r\n\r\n")
    except WireError:
        return
    start = " ".join([*seen.start, "HTTP/1.1"]).encode("latin-1")
    found = parse(start + b"\r\n" + written(seen) + b"\r\n")
    assert found is None or set(found[0].lint) <= {"host-count-0"}, found[0].raw


@settings(QUICK, max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused_but_nothing_else_happens(data: bytes) -> None:
    is_refused(request, data + b"\r\n\r\n")
