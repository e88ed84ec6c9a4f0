"""What is compared: how each server is started, what its clients send, and how a message is published to it."""

import json
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import jwt

from benchmarks.machine.process import Server, running
from benchmarks.place import PEER_PYTHON, ROOT, fill, free_ports
from benchmarks.ws.crowd import hello
from benchmarks.ws.feeder import Feeder

SERVERS = Path(__file__).with_name("servers")
SECRET = "a secret of the benchmark, at least 32 bytes long"
NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
FILLER = "x" * 24


class Publisher(Protocol):
    """Sends messages to a server, all in one write."""

    def publish(self, messages: Iterable[tuple[str, str]]) -> None:
        """Publish messages, each a topic and the members of its JSON object."""


@dataclass(frozen=True, slots=True)
class Running:
    """One server that is up."""

    server: Server
    port: int
    publisher: Publisher


class Subject:
    """One program: a name, what is missing of it, and its clients."""

    name = ""

    def missing(self) -> str | None:
        """Say what is not installed, or None."""
        return None

    def client(self, number: int, topics: Sequence[str]) -> tuple[bytes, bytes]:
        """Return a client's handshake and first message."""
        raise NotImplementedError

    def running(self, folder: Path, core: str) -> "Iterator[Running]":
        """Run it for the length of a block."""
        raise NotImplementedError


class Ours(Subject):
    """The gateway, one worker, with a token for each client; `conflate` as the topics need it."""

    name = "ours"

    def __init__(self, *, conflate: bool = True) -> None:
        self._conflate = conflate

    def client(self, number: int, topics: Sequence[str]) -> tuple[bytes, bytes]:
        """Return a client that subscribes after its handshake, with a token of its own."""
        claims = {"sub": f"user-{number}", "iss": "tacn", "role": "user", "exp": int(time.time()) + 86_400}
        token = jwt.encode(claims, SECRET, "HS256")
        first = {"id": 1, "op": "subscribe", "topics": [f"quotes:{topic}" for topic in topics]}
        return hello("/ws", f"Authorization: Bearer {token}"), json.dumps(first).encode() if topics else b""

    @contextmanager
    def running(self, folder: Path, core: str) -> Iterator[Running]:
        """Run it over an upstream of ours."""
        feeder = Feeder()
        port, admin = free_ports(2)
        values: dict[str, object] = {
            "DIR": folder,
            "PORT": port,
            "ADMIN": admin,
            "FEED": feeder.port,
            "SECRET": SECRET,
            "CONFLATE": str(self._conflate).lower(),
        }
        path = fill(SERVERS / "gateway.yaml", folder / "gateway.yaml", values)
        command = [sys.executable, "-m", "gateway", "run", "-c", path]
        try:
            with running("ours", command, cores=core, folder=folder, environment={"PYTHONPATH": str(ROOT)}) as server:
                server.wait_for([port])
                time.sleep(1)  # the feed connects meanwhile
                yield Running(server, port, feeder)
        finally:
            feeder.close()


class Nchan(Subject):
    """nginx with nchan: one location for subscribers of many channels, one to publish by POST."""

    name = "nchan"

    def missing(self) -> str | None:
        """Say whether the module is not there."""
        return None if NCHAN.exists() else "libnginx-mod-nchan is not installed"

    def client(self, number: int, topics: Sequence[str]) -> tuple[bytes, bytes]:
        """Return a client whose handshake names its channels."""
        return hello(f"/sub/{','.join(topics)}"), b""

    @contextmanager
    def running(self, folder: Path, core: str) -> Iterator[Running]:
        """Run nginx."""
        port = free_ports(1)[0]
        path = fill(SERVERS / "nchan.conf", folder / "nchan.conf", {"DIR": folder, "PORT": port})
        command = ["nginx", "-c", path, "-p", folder, "-e", "stderr"]
        with running("nchan", command, cores=core, folder=folder) as server:
            server.wait_for([port])
            yield Running(server, port, _Posts(port))


class Script(Subject):
    """A server of one file in this folder, run with the peers' Python."""

    def __init__(self, name: str, script: str) -> None:
        self.name = name
        self._script = SERVERS / script

    def missing(self) -> str | None:
        """Say whether the environment is not there."""
        return None if (PEER_PYTHON / "bin" / "python").exists() else "make bench-peers has not been run"

    def client(self, number: int, topics: Sequence[str]) -> tuple[bytes, bytes]:
        """Return a client that names its topics in its first message."""
        return hello("/ws"), json.dumps(list(topics)).encode()

    @contextmanager
    def running(self, folder: Path, core: str) -> Iterator[Running]:
        """Run it."""
        port, publishing = free_ports(2)
        command = [PEER_PYTHON / "bin" / "python", self._script, str(port), str(publishing)]
        with running(self.name, command, cores=core, folder=folder) as server:
            server.wait_for([port, publishing])
            yield Running(server, port, _Lines(publishing))


class _Lines:
    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))

    def publish(self, messages: Iterable[tuple[str, str]]) -> None:
        self._socket.sendall(b"".join(f"{topic} {_object(topic, members)}\n".encode() for topic, members in messages))


class _Posts:
    """Pipelines POSTs on one connection; a thread throws the answers away."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=self._drain, daemon=True).start()

    def publish(self, messages: Iterable[tuple[str, str]]) -> None:
        self._socket.sendall(b"".join(self._post(topic, members) for topic, members in messages))

    def _post(self, topic: str, members: str) -> bytes:
        body = _object(topic, members)
        return f"POST /pub?id={topic} HTTP/1.1\r\nHost: b\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()

    def _drain(self) -> None:
        try:
            while self._socket.recv(1 << 16):
                pass
        except OSError:
            return


def _object(topic: str, members: str) -> str:
    """Return a message as long as ours is on the wire."""
    return (
        f'{{"type":"message","topic":"quotes:{topic}","offset":1,"ts":1763812345678,'
        f'"data":{{"code":"{topic}",{members}}}}}'
    )


def stamped(size: int = 0) -> str:
    """Return a message's members: when it was sent, and as much filler as is asked for."""
    filler = "x" * size if size else FILLER
    return f'"price":1234.5,"sent":{time.monotonic_ns()},"note":"{filler}"'


SUBJECTS: tuple[Subject, ...] = (
    Ours(),
    Nchan(),
    Script("websockets", "websockets_server.py"),
    Script("aiohttp", "aiohttp_server.py"),
)
