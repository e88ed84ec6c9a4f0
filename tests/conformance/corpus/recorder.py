"""The upstream behind the proxy under test: records every byte and answers with what it saw, or with scripted bytes."""

import asyncio
import json
import time

from tests.conformance.corpus.strict import Request, parse

type Script = list[bytes | str]
"""Raw bytes to write, and `close` or `abort`."""


class Recorder:
    """Owns what all its connections received, in order, and the scripted answers by the target's last segment."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections: dict[int, RecorderConnection] = {}
        self.scripts: dict[str, Script] = {}
        self.last = time.monotonic()
        self.opened = 0

    def connection(self) -> "RecorderConnection":
        """Return the protocol of a new connection."""
        self.opened += 1
        return RecorderConnection(self, self.opened)

    async def settled(self, quiet: float = 0.1, limit: float = 0.8) -> None:
        """Wait until nothing has come for a while."""
        started = time.monotonic()
        while time.monotonic() - started < limit:
            if time.monotonic() - self.last > quiet:
                return
            await asyncio.sleep(0.02)

    def residue(self) -> list[tuple[int, bytes]]:
        """Return what was written on open connections and is no complete request."""
        return [(key, link.buffer[:80]) for key, link in self.connections.items() if link.buffer and link.is_open]

    def forget_closed(self) -> None:
        """Drop the connections that have ended."""
        for key in [key for key, link in self.connections.items() if not link.is_open]:
            del self.connections[key]


class RecorderConnection(asyncio.Protocol):
    """One connection from the proxy."""

    transport: asyncio.Transport

    def __init__(self, recorder: Recorder, number: int) -> None:
        self.recorder = recorder
        self.number = number
        self.buffer = b""
        self.is_open = True
        self.has_continued = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.recorder.connections[self.number] = self

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_open = False
        self.recorder.last = time.monotonic()

    def data_received(self, data: bytes) -> None:
        self.recorder.last = time.monotonic()
        self.buffer += data
        while self.buffer:
            found = parse(self.buffer)
            if found is None:
                self._continue()
                return
            request, used = found
            self.has_continued = False
            self.buffer = self.buffer[used:]
            request.connection = self.number
            self.recorder.requests.append(request)
            if not self._answer(request):
                return

    def _continue(self) -> None:
        end = self.buffer.find(b"\r\n\r\n")
        if end >= 0 and not self.has_continued and b"100-continue" in self.buffer[:end].lower():
            self.has_continued = True
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _answer(self, request: Request) -> bool:
        """Answer, and return whether the connection goes on."""
        key = request.target.split(b"?")[0].rsplit(b"/", 1)[-1].decode("latin1")
        if key in self.recorder.scripts:
            return self._play(self.recorder.scripts[key])
        is_last = _ends_connection(request)
        seen = {
            "m": request.method.decode("latin1"),
            "p": request.target.decode("latin1"),
            "n": len(request.body),
            "c": self.number,
        }
        body = json.dumps(seen).encode()
        status = b"400 Bad" if request.is_junk else b"200 OK"
        head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n" % (
            status,
            len(body),
            b"Connection: close\r\n" if is_last else b"",
        )
        self.transport.write(head + (b"" if request.method == b"HEAD" else body))
        if is_last:
            self.transport.close()
        return not is_last

    def _play(self, script: Script) -> bool:
        for act in script:
            if act == "close":
                self.transport.close()
            elif act == "abort":
                self.transport.abort()
            else:
                assert isinstance(act, bytes)
                self.transport.write(act)
        return not any(act in {"close", "abort"} for act in script)


def _ends_connection(request: Request) -> bool:
    options = [value.lower() for value in request.values(b"connection")]
    if request.is_junk or any(b"close" in value for value in options):
        return True
    return request.minor == 0 and not any(b"keep-alive" in value for value in options)
