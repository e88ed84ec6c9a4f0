"""A client's connection, without sockets: what arrives in one turn of the loop is begun together, and loses nothing."""

import asyncio
from typing import Any

import pytest

from gateway.config.schema import Limits
from gateway.core.turn import LONG
from gateway.downstream.connection import ClientConnection
from gateway.downstream.fault import RequestError
from gateway.downstream.listener import Listener
from gateway.downstream.serving import Arrival, Serving
from gateway.wire.request import Request

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def get(path: str) -> bytes:
    """Return a request's head."""
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


class Wire(asyncio.Transport):
    """Goes nowhere; remembers what was written, and whether it is closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 4711)})
        self.written = b""
        self.is_over = False

    def write(self, data: Any) -> None:
        """Remember it."""
        self.written += data

    def is_closing(self) -> bool:
        """Return whether it was closed."""
        return self.is_over

    def can_write_eof(self) -> bool:
        """Close both sides at once."""
        return False

    def abort(self) -> None:
        """Close."""
        self.is_over = True

    close = abort


class Held:
    """A request that is not answered yet."""

    def on_request_body(self, data: bytes, *, is_last: bool) -> None:
        """Have none."""

    def on_bad_request(self, error: RequestError) -> None:
        """Have none."""

    def on_gone(self) -> None:
        """Forget it."""

    def on_client_blocked(self, *, is_blocked: bool) -> None:
        """Wait."""


class Service:
    """Answers everything at once but `/held`, and notes which requests came together."""

    def __init__(self) -> None:
        self.together: list[list[str]] = []
        self.bodies: list[bytes] = []
        self.is_broken = False

    def serve(self, client: ClientConnection, request: Request, body: bytes, is_complete: bool) -> Serving | None:
        """Answer one."""
        self.together.append([request.path])
        return self._answer(client, request, body)

    def serve_all(self, arrivals: list[Arrival]) -> None:
        """Answer all."""
        self.together.append([request.path for _, request, _ in arrivals])
        for client, request, body in arrivals:
            client.settle(self._answer(client, request, body))

    def turn_away(self, client: ClientConnection, error: RequestError) -> None:
        """Note it, or fail to."""
        if self.is_broken:
            raise LookupError("broken")
        self.together.append([error.fault.name])

    def _answer(self, client: ClientConnection, request: Request, body: bytes) -> Serving | None:
        self.bodies.append(body)
        if request.path == "/held":
            return Held()
        client.write(ANSWER)
        client.finish(0.0)
        return None


class Hall:
    """A listener without a socket, and some clients."""

    def __init__(self, count: int) -> None:
        self.service = Service()
        self.listener = Listener(self.service, Limits())
        self.wires = [Wire() for _ in range(count)]
        self.clients = [ClientConnection(self.listener) for _ in range(count)]
        for client, wire in zip(self.clients, self.wires, strict=True):
            client.connection_made(wire)


async def test_requests_that_arrive_in_one_turn_are_begun_together() -> None:
    hall = Hall(3)
    for number, client in enumerate(hall.clients):
        client.data_received(get(f"/{number}"))
    assert hall.service.together == []
    await asyncio.sleep(0)
    assert hall.service.together == [["/0", "/1", "/2"]]
    assert [wire.written for wire in hall.wires] == [ANSWER] * 3


async def test_a_whole_body_comes_with_its_request() -> None:
    hall = Hall(1)
    hall.clients[0].data_received(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
    await asyncio.sleep(0)
    assert (hall.service.together, hall.service.bodies) == ([["/x"]], [b"abc"])


async def test_pipelined_requests_of_one_turn_are_answered_in_order_and_once() -> None:
    hall = Hall(2)
    hall.clients[0].data_received(get("/a") + get("/b") + get("/c"))
    hall.clients[1].data_received(get("/d"))
    await asyncio.sleep(0)
    assert hall.service.together == [["/a", "/d"], ["/b"], ["/c"]]
    assert [wire.written for wire in hall.wires] == [ANSWER * 3, ANSWER]


POST = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"


@pytest.mark.parametrize("first", [get("/a"), POST, POST + POST, get("/a") + POST], ids=["GET", "POST", "two", "both"])
async def test_nothing_is_begun_before_the_request_ahead_of_it_is_answered(first: bytes) -> None:
    hall = Hall(1)
    hall.clients[0].data_received(first + get("/held"))
    await asyncio.sleep(0)
    begun = list(hall.service.together)
    assert begun[-1] == ["/held"]
    hall.clients[0].data_received(get("/c"))
    await asyncio.sleep(0)
    assert hall.service.together == begun
    hall.clients[0].finish(0.0)
    assert hall.service.together == [*begun, ["/c"]]


async def test_a_head_that_arrives_in_pieces_within_a_turn_is_begun_once() -> None:
    for at in range(1, len(get("/a"))):
        hall = Hall(1)
        hall.clients[0].data_received(get("/a")[:at])
        hall.clients[0].data_received(get("/a")[at:])
        await asyncio.sleep(0)
        assert hall.service.together == [["/a"]], at
        assert hall.wires[0].written == ANSWER


async def test_a_long_request_is_begun_before_all_of_it_is_here() -> None:
    hall = Hall(2)
    hall.clients[0].data_received(
        b"POST /held HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (3 * LONG) + bytes(LONG)
    )
    hall.clients[1].data_received(get("/x"))
    assert hall.service.together == [["/held"]]
    assert [len(body) for body in hall.service.bodies] == [LONG]
    await asyncio.sleep(0)
    assert hall.service.together == [["/held"], ["/x"]]


async def test_a_long_read_full_of_requests_is_answered_in_order() -> None:
    hall = Hall(1)
    paths = [f"/{number}" for number in range(LONG // len(get("/0")) + 1)]
    hall.clients[0].data_received(b"".join(map(get, paths)))
    await asyncio.sleep(0)
    assert [path for together in hall.service.together for path in together] == paths
    assert hall.wires[0].written == ANSWER * len(paths)


async def test_who_has_left_before_the_end_of_the_turn_is_not_served() -> None:
    hall = Hall(2)
    for client in hall.clients:
        client.data_received(get("/x"))
    hall.clients[0].connection_lost(None)
    await asyncio.sleep(0)
    assert hall.service.together == [["/x"]]
    assert [wire.written for wire in hall.wires] == [b"", ANSWER]


async def test_what_has_arrived_in_time_is_not_late_because_it_is_looked_at_late() -> None:
    hall = Hall(1)
    hall.clients[0].deadline = 0.0
    hall.clients[0].data_received(get("/x"))
    hall.listener._sweep()
    await hall.listener.close()
    assert hall.wires[0].written == ANSWER


async def test_bytes_that_are_no_request_turn_one_client_away_and_no_other() -> None:
    hall = Hall(2)
    hall.clients[0].data_received(b"NONSENSE\r\n\r\n")
    hall.clients[1].data_received(get("/x"))
    await asyncio.sleep(0)
    assert hall.service.together == [["MALFORMED"], ["/x"]]
    assert hall.wires[1].written == ANSWER


async def test_a_fault_of_ours_costs_one_client_its_connection_and_no_other_one_anything() -> None:
    hall = Hall(3)
    hall.service.is_broken = True
    hall.clients[0].data_received(get("/x"))
    hall.clients[1].data_received(b"NONSENSE\r\n\r\n")
    hall.clients[2].data_received(get("/x"))
    await asyncio.sleep(0)
    assert [wire.is_over for wire in hall.wires] == [False, True, False]
    assert [wire.written for wire in hall.wires] == [ANSWER, b"", ANSWER]
