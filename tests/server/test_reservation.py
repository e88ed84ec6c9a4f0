"""The public address is held before anybody listens on it."""

import socket

import pytest

from gateway.config.schema import Address
from gateway.server.reservation import Reservation


def _listening(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), reuse_port=True)


async def test_a_port_that_the_system_chose_is_one_that_several_can_listen_on() -> None:
    held = await Reservation.of(Address("127.0.0.1", 0))
    port = held.listen.port
    assert port != 0
    with _listening(port), _listening(port), socket.create_connection(("127.0.0.1", port)):
        pass
    held.close()


async def test_holding_is_not_listening() -> None:
    held = await Reservation.of(Address("127.0.0.1", 0))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", held.listen.port))
    held.close()


async def test_a_name_is_held_at_all_its_addresses_on_one_port() -> None:
    held = await Reservation.of(Address("localhost", 0))
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", held.listen.port))
    held.close()


async def test_a_taken_address_is_an_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"in use: 127.0.0.1:{port}"):
            await Reservation.of(Address("127.0.0.1", port))
