"""A MongoDB-wire stand-in on its own port and thread, so that motor speaks its real protocol to it."""

import asyncio
import threading
from concurrent.futures import Future

from mongoeco.engines.memory import MemoryEngine
from mongoeco.wire.proxy import AsyncMongoEcoProxyServer


class MongoWire:
    """Serves until `close`, on a free port if none is given; owns its loop, so that it never waits for the test's."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._address: Future[str] = Future()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="mongo-wire")

    def start(self) -> str:
        """The URL, once it listens."""
        self._thread.start()
        return self._address.result(timeout=10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with AsyncMongoEcoProxyServer(engine=MemoryEngine(), port=self.port) as server:
            self._address.set_result(server.address.uri)
            await self._stop.wait()
