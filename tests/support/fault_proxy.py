"""A small TCP proxy that is slow, narrow, silent, or rude, because this kernel has no netem."""

import asyncio
import socket
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from gateway.core.tasks import cancel_all, spawn

RESET = struct.pack("ii", 1, 0)


@dataclass
class Faults:
    """What happens to bytes on their way back from the real server; may be changed while it runs.

    `delay` is seconds before each piece, `rate` bytes a second, `cut_after` closes after so many bytes of a connection
    (with a reset if `is_reset`), `is_blackhole` swallows everything in both directions.
    """

    delay: float = 0.0
    rate: int | None = None
    cut_after: int | None = None
    is_reset: bool = False
    is_blackhole: bool = False


class FaultProxy:
    """Owns a listener on a port of its own and passes bytes to and from `port`."""

    def __init__(self, port: int, faults: Faults | None = None) -> None:
        self.faults = faults if faults is not None else Faults()
        self._target = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def origin(self) -> str:
        """Its address as an upstream's endpoint."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await cancel_all(self._tasks)
        self._server.close_clients()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        up = spawn(self._pass_on(reader, back), name="fault proxy up", owner=self._tasks)
        down = spawn(self._pass_back(there, writer), name="fault proxy down", owner=self._tasks)
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
            down.cancel()
            back.close()
            if self.faults.is_reset:  # a transport's abort alone says goodbye politely
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not self.faults.is_blackhole:
                writer.write(data)
                await writer.drain()

    async def _pass_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while data := await reader.read(65536):
            faults = self.faults
            if faults.is_blackhole:
                continue
            await asyncio.sleep(faults.delay + (len(data) / faults.rate if faults.rate else 0))
            if faults.cut_after is not None and passed + len(data) >= faults.cut_after:
                writer.write(data[: faults.cut_after - passed])
                await writer.drain()
                return
            writer.write(data)
            passed += len(data)
            await writer.drain()
