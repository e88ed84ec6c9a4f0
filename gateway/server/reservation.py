"""A public address that is held for the workers to listen on."""

import asyncio
import socket
from typing import Self

from gateway.config.schema import Address


class Reservation:
    """Owns sockets that are bound to the public address and never listen.

    The kernel gives connections only to those who listen, the workers. Holding it finds a taken address before anybody
    starts, and a port that the system chose is the same one for all. SO_REUSEPORT lets each worker bind to it as well.
    """

    def __init__(self, held: list[socket.socket], listen: Address) -> None:
        self._held = held
        self.listen = listen

    def __repr__(self) -> str:
        return f"<Reservation of {self.listen}, {len(self._held)} sockets>"

    @classmethod
    async def of(cls, wanted: Address) -> Self:
        """Bind to every address that the host's name means; raises OSError when one is taken."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            wanted.host or None, wanted.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        held: list[socket.socket] = []
        port = wanted.port
        try:
            for family, _, _, _, where in dict.fromkeys(found):
                held.append(_bound(family, (where[0], port, *where[2:])))
                port = held[0].getsockname()[1]
        except BaseException:
            for one in held:
                one.close()
            raise
        return cls(held, Address(wanted.host, port))

    def close(self) -> None:
        """Give the address back."""
        for one in self._held:
            one.close()


def _bound(family: int, where: tuple[object, ...]) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(where)
    except OSError as error:
        one.close()
        raise OSError(error.errno, f"{error.strerror}: {where[0]}:{where[1]}") from None
    return one
