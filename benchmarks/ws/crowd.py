"""Compiles and commands the crowd: many WebSocket clients in one process."""

import json
import shutil
import struct
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.place import VAR, MissingToolError

SOURCE = Path(__file__).with_name("crowd.c")
MASK = bytes(4)
PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Heard:
    """What the crowd has heard since the last reset; ages in microseconds, CPU time since its start."""

    messages: int
    frames: int
    bytes: int
    open: int
    lost: int
    cpu_seconds: float
    p50_us: int
    p99_us: int
    max_us: int


class Crowd:
    """One running crowd."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def open(self, count: int) -> int:
        """Open so many more clients; return how many are open."""
        found: int = self._ask(f"open {count}")["open"]
        return found

    def reset(self) -> None:
        """Forget what was heard."""
        self._ask("reset")

    def report(self) -> Heard:
        """Return what was heard."""
        return Heard(**self._ask("report"))

    def stall(self, count: int) -> None:
        """Let the first so many read no more."""
        self._ask(f"stall {count}")

    def _ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def crowd(port: int, records: Path, *, core: int) -> Iterator[Crowd]:
    """Start one for the length of a block; nobody is connected yet."""
    command = ["taskset", "-c", str(core), str(compiled()), str(port), str(records)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Crowd(process)
        finally:
            process.kill()


def write_records(path: Path, clients: Iterable[tuple[bytes, bytes]]) -> Path:
    """Write what clients send: the handshake, and a text message right after it (empty for none)."""
    with path.open("wb") as file:
        for hello, first in clients:
            data = frame(first) if first else b""
            file.write(struct.pack("=II", len(hello), len(data)) + hello + data)
    return path


def frame(payload: bytes) -> bytes:
    """Return a client's text frame, with a mask that changes nothing."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + struct.pack("!H", size)
    return b"\x81" + length + MASK + payload


def hello(target: str, *fields: str) -> bytes:
    """Return a handshake."""
    lines = "".join(f"{field}\r\n" for field in fields)
    return (
        f"GET {target} HTTP/1.1\r\nHost: bench.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n"
    ).encode()


@cache
def compiled() -> Path:
    """Return the program, compiled anew when its source changed."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise MissingToolError("the crowd needs a C compiler (cc)")
    program = VAR / "crowd"
    if not program.exists() or program.stat().st_mtime < SOURCE.stat().st_mtime:
        VAR.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-O2", "-o", program, SOURCE], check=True)
    return program
