"""The public listener: its socket, its connections, and the one timer that ends what takes too long."""

import asyncio
import logging
import os
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, Final

from gateway.config.schema import Limits, Tls
from gateway.core.tasks import cancel_all, spawn
from gateway.core.turn import Turn
from gateway.downstream.connection import ClientConnection
from gateway.downstream.serving import Arrival, Service
from gateway.wire.request import RequestMemo

log = logging.getLogger(__name__)

SWEEP_SECONDS: Final = 0.25
"""How often deadlines are looked at: no time-out is kept more precisely than this."""
BACKLOG: Final = 4096
LAST_MOMENT_SECONDS: Final = 0.5
LAST_ROUNDS: Final = 3
"""Turns of the loop in which it still accepts by itself after its socket was closed."""


class Listener:
    """Owns the public socket and its connections. It never looks into a request.

    A head of at most `small_head` bytes is within all limits of size; `most_fields` bounds its lines.
    """

    def __init__(self, service: Service, limits: Limits, dropped: frozenset[str] = frozenset()) -> None:
        self.service = service
        self.arrived: Turn[ClientConnection] = Turn(self._begin)
        self.limits = limits
        self.memo = RequestMemo(dropped)
        self.small_head = min(limits.request_line, limits.headers)
        self.most_fields = limits.header_count
        self.is_draining = False
        self._connections: set[ClientConnection] = set()
        self._refused: set[ClientConnection] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._certificate: _Certificate | None = None
        self._port = 0
        self._emptied = asyncio.Event()
        self._joining: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        state = "draining" if self.is_draining else "open" if self._server is not None else "closed"
        return f"<Listener {state}: {len(self._connections)} connections>"

    @property
    def port(self) -> int:
        """The port that is listened on, also when port 0 was asked for."""
        return self._port

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def start(self, host: str, port: int, tls: Tls | None, *, reuse_port: bool = False) -> None:
        """Listen; raises OSError when the address is taken, ssl.SSLError when a certificate is no good."""
        loop = asyncio.get_running_loop()
        self._certificate = await asyncio.to_thread(_Certificate, tls) if tls is not None else None
        self._server = await loop.create_server(
            lambda: ClientConnection(self),
            host,
            port,
            backlog=BACKLOG,
            ssl=self._certificate.context if self._certificate is not None else None,
            reuse_port=reuse_port or None,
        )
        self._port = self._server.sockets[0].getsockname()[1]
        self._sweep()

    def apply(self, limits: Limits, dropped: frozenset[str]) -> None:
        """Hold every later request to these limits; `dropped` are further fields that no request passes on."""
        self.limits = limits
        self.small_head = min(limits.request_line, limits.headers)
        self.most_fields = limits.header_count
        if self.memo.dropped == dropped:
            self.memo.dropped = dropped  # the very one that decisions name from now on
        else:
            self.memo = RequestMemo(dropped)

    async def reread_certificate(self) -> None:
        """Load the TLS files again if they have changed, away from the loop."""
        if self._certificate is not None:
            await asyncio.to_thread(self._certificate.reread)

    async def drain(self) -> None:
        """Accept nothing new; each connection is closed after the answer it waits for, an idle one after a moment.

        The moment is for a request that is on its way already: it is answered, with `Connection: close`.
        """
        self.is_draining = True
        if self._server is not None:
            await self._take_the_last(self._server)
        deadline = monotonic() + LAST_MOMENT_SECONDS
        for client in self._connections:
            if client.is_idle:
                client.deadline = min(client.deadline, deadline)

    async def _take_the_last(self, server: asyncio.Server) -> None:
        """Close the socket, but first take those whom the kernel has connected already: closing would reset them."""
        doors = [socket.socket(fileno=os.dup(door.fileno())) for door in server.sockets]
        server.close()
        for _ in range(LAST_ROUNDS):
            await asyncio.sleep(0)
        context = self._certificate.context if self._certificate is not None else None
        for client in [client for door in doors for client in _accepted(door)]:
            spawn(self._take(client, context), name="take a last client", owner=self._joining)
        if self._joining:
            # Side by side and not for long: over TLS it is the client who says how long a handshake takes.
            await asyncio.wait(self._joining, timeout=LAST_MOMENT_SECONDS)

    async def _take(self, client: socket.socket, context: ssl.SSLContext | None) -> None:
        with suppress(OSError):
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(lambda: ClientConnection(self), client, ssl=context)

    async def empty(self) -> None:
        """Wait until no client is connected."""
        while self._connections:
            self._emptied.clear()
            await self._emptied.wait()

    async def close(self) -> None:
        """Cut every connection."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        await cancel_all(self._joining)
        if self._server is not None:
            self._server.close()
        for client in (*self._connections, *self._refused):
            client.abort()
        await asyncio.sleep(0)

    def opened(self, client: ClientConnection) -> bool:
        """Count a connection; False when there are too many. A refused one takes no other's place while it ends."""
        if len(self._connections) >= self.limits.connections:
            self._refused.add(client)
            return False
        self._connections.add(client)
        return True

    def closed(self, client: ClientConnection) -> None:
        """Forget a connection."""
        self._connections.discard(client)
        self._refused.discard(client)
        if not self._connections:
            self._emptied.set()

    def _begin(self, clients: list[ClientConnection]) -> None:
        """Parse what has arrived from all of these, then begin to answer what is whole."""
        arrivals: list[Arrival] = []
        for client in clients:
            try:
                arrival = client.take_request()
            except Exception:  # a fault of ours costs one client its connection, and no other one anything
                log.exception("%r failed", client)
                client.abort()
            else:
                if arrival is not None:
                    arrivals.append(arrival)
        if arrivals:
            self.service.serve_all(arrivals)

    def _sweep(self) -> None:
        self.arrived.end()  # what is here already is not late, whenever it is looked at
        now = monotonic()
        for client in [client for client in (*self._connections, *self._refused) if client.deadline < now]:
            client.expire()
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)


def _accepted(door: socket.socket) -> list[socket.socket]:
    """Take all who wait at a listening socket, and close it."""
    door.setblocking(False)
    found: list[socket.socket] = []
    with door, suppress(OSError):
        while True:
            found.append(door.accept()[0])
    for client in found:
        client.setblocking(False)
    return found


class _Certificate:
    """Owns the TLS context and rereads its files when they change; broken ones leave the old certificate in place."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self.context.load_cert_chain(tls.cert, tls.key)
        self._seen = self._stamp()

    def reread(self) -> None:
        """Load the files again if they have changed; new handshakes use them."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            # A load that fails half-way would spoil the live context, so the files prove themselves on another one.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self._tls.cert, self._tls.key)
            self.context.load_cert_chain(self._tls.cert, self._tls.key)
            log.info("the certificate %s has been reread", self._tls.cert)
        except (OSError, ssl.SSLError) as error:
            log.error("the certificate %s cannot be read, the old one stays: %s", self._tls.cert, error)

    def _stamp(self) -> tuple[float, ...]:
        try:
            return tuple(Path(name).stat().st_mtime for name in (self._tls.cert, self._tls.key))
        except OSError:
            return ()
