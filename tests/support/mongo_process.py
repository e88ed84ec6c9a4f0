"""A MongoDB-wire stand-in in a process of its own, on a file: once killed, it still has what it acknowledged."""

import subprocess
import sys
from pathlib import Path

from tests.support.port import free_port

SERVE = """
import asyncio, sys
from mongoeco.engines.sqlite import SQLiteEngine
from mongoeco.wire.proxy import AsyncMongoEcoProxyServer

async def main():
    async with AsyncMongoEcoProxyServer(engine=SQLiteEngine(sys.argv[1]), port=int(sys.argv[2])):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


class MongoProcess:
    """Owns one server on one port and one file, through kills and restarts."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "mongo.db"
        self._port = free_port()
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self._port}/crossfade"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(self._file), str(self._port)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        """End it without a word; may be called again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None
