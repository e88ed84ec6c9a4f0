"""However the network cuts an answer, it is the same answer. Without sockets, which would glue the pieces again."""

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.schema import Ejection
from gateway.core.clock import SystemClock
from gateway.core.turn import LONG, Turn
from gateway.upstream.address import Address
from gateway.upstream.arrival import pass_on
from gateway.upstream.connection import Connection
from gateway.upstream.replica import Replica
from gateway.wire.line import LineMemo
from tests.upstream.asker import GET, Asker

ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "empty": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: 1\r\n\r\n",
    "interim": b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "204": b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
    "close": b"HTTP/1.1 200 OK\r\n\r\nhello",
}
EXCESS = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhijack"


class Wire(asyncio.Transport):
    """Goes nowhere; remembers whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.is_closed = False

    def write(self, data: Any) -> None:
        """Drop it."""

    def get_write_buffer_size(self) -> int:
        """Return nothing: it is all sent."""
        return 0

    def is_closing(self) -> bool:
        """Return whether it was closed."""
        return self.is_closed

    def close(self) -> None:
        """Close."""
        self.is_closed = True

    def abort(self) -> None:
        """Close."""
        self.is_closed = True


class Nest:
    """A home that counts who came back."""

    def __init__(self) -> None:
        address = Address.parse("http://127.0.0.1:1")
        self.replica = Replica(address, Ejection(), SystemClock(), lambda: None)
        self.authority = address.authority
        self.arrived: Turn[Connection] = Turn(pass_on, lambda _work: None)
        self.released = 0

    def release(self, _connection: Connection) -> None:
        """Count it."""
        self.released += 1

    def closed(self, connection: Connection) -> None:
        """Forget it."""


def _fed(pieces: list[bytes], *, at_once: bool = False) -> tuple[Asker, Nest, Wire]:
    """Return what an asker hears when the pieces arrive one by one, or `at_once` in one turn, and then the end."""
    nest, wire, asker = Nest(), Wire(), Asker()
    connection = Connection(nest, LineMemo(), 30)
    connection.connection_made(wire)
    connection.ask(asker, GET, 0)
    for piece in pieces:
        if not wire.is_closed:
            connection.data_received(piece)
            if not at_once:
                nest.arrived.end()
    nest.arrived.end()
    if not nest.released:
        connection.eof_received()
        connection.connection_lost(None)
    return asker, nest, wire


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_cut_in_two_anywhere_is_the_same_answer(name: str) -> None:
    data = ANSWERS[name]
    whole, nest, _ = _fed([data])
    for at in range(1, len(data)):
        asker, nested, _ = _fed([data[:at], data[at:]])
        assert (asker.status, asker.body, asker.interim) == (whole.status, whole.body, whole.interim), at
        assert (asker.fault, asker.ends, nested.released) == (None, 1, nest.released), at


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_in_single_bytes_is_the_same_answer(name: str) -> None:
    data = ANSWERS[name]
    whole, _, _ = _fed([data])
    asker, _, _ = _fed([data[at : at + 1] for at in range(len(data))])
    assert (asker.status, asker.body, asker.interim, asker.ends) == (whole.status, whole.body, whole.interim, 1)


@pytest.mark.parametrize("name", [name for name in ANSWERS if name != "close"])
async def test_bytes_in_excess_are_nobodys_answer_and_end_the_connection(name: str) -> None:
    data = ANSWERS[name]
    for at in range(1, len(data) + 1):
        asker, _, wire = _fed([data[:at], data[at:] + EXCESS])
        assert asker.body in {b"", b"hello"}, at
        assert wire.is_closed, at


@pytest.mark.parametrize("name", [name for name in ANSWERS if name != "close"])
async def test_an_answer_cut_short_anywhere_is_never_whole(name: str) -> None:
    data = ANSWERS[name]
    for at in range(len(data)):
        asker, nest, _ = _fed([data[:at]])
        assert (asker.error is not None, asker.ends, nest.released) == (True, 1, 0), at


LONG_BODY = bytes(range(256)) * (LONG // 64)
LONG_ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(LONG_BODY), LONG_BODY),
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
    % (len(LONG_BODY), LONG_BODY),
    "interim": b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"
    % (len(LONG_BODY), LONG_BODY),
    "close": b"HTTP/1.1 200 OK\r\n\r\n" + LONG_BODY,
}


@pytest.mark.parametrize("at", [10, LONG - 1, LONG, LONG + 1, 3 * LONG])
@pytest.mark.parametrize("name", LONG_ANSWERS)
async def test_a_long_answer_that_is_read_piece_by_piece_in_one_turn_is_the_same_answer(name: str, at: int) -> None:
    data = LONG_ANSWERS[name]
    for pieces in ([data], [data[:at], data[at:]], [data[:at], data[at : at + LONG], data[at + LONG :]]):
        asker, nest, _ = _fed([piece for piece in pieces if piece], at_once=True)
        assert (asker.status, asker.body, asker.ends, asker.fault) == (200, LONG_BODY, 1, None)
        assert nest.released == (name != "close")


async def test_a_long_answer_is_begun_before_all_of_it_is_here() -> None:
    data, nest, asker = LONG_ANSWERS["length"], Nest(), Asker()
    connection = Connection(nest, LineMemo(), 30)
    connection.connection_made(Wire())
    connection.ask(asker, GET, 0)
    connection.data_received(data[: 2 * LONG])
    begun = len(asker.body)
    connection.data_received(data[2 * LONG : 3 * LONG])
    assert (begun, len(asker.body)) == (len(LONG_BODY) + 2 * LONG - len(data), begun + LONG)


@pytest.mark.parametrize("name", [name for name in LONG_ANSWERS if name != "close"])
async def test_bytes_in_excess_behind_a_long_answer_end_the_connection(name: str) -> None:
    data = LONG_ANSWERS[name]
    for pieces in ([data + EXCESS], [data[:LONG], data[LONG:] + EXCESS], [data, EXCESS]):
        asker, _, wire = _fed(pieces, at_once=True)
        assert (asker.body, wire.is_closed) == (LONG_BODY, True)


async def test_a_long_answer_in_one_read_goes_home_when_it_is_known_that_nothing_follows() -> None:
    _, nest, wire = _fed([LONG_ANSWERS["length"], EXCESS], at_once=True)
    assert (nest.released, wire.is_closed) == (0, True)


PIECES = st.lists(st.binary(max_size=40), max_size=6)


@given(st.sampled_from(sorted(ANSWERS)), st.lists(st.integers(0, 120), max_size=8))
def test_cut_at_any_places_it_is_the_same_answer(name: str, places: list[int]) -> None:
    data = ANSWERS[name]
    cuts = [0, *sorted(place for place in places if place < len(data)), len(data)]
    pieces = [data[one:other] for one, other in itertools.pairwise(cuts) if one < other]
    asker, _, _ = _fed(pieces)
    whole, _, _ = _fed([data])
    assert (asker.status, asker.body, asker.interim, asker.ends) == (whole.status, whole.body, whole.interim, 1)


@given(PIECES)
def test_noise_ends_each_exchange_once_and_never_releases_what_is_closed(pieces: list[bytes]) -> None:
    asker, nest, _ = _fed([piece for piece in pieces if piece])
    assert (asker.ends, nest.released) == (1, 0)
