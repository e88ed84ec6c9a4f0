"""Starts a server pinned to its cores, reads what CPU time it has used, and ends it. Never outlives the harness."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# If we are killed, so that nothing below runs, the kernel ends the server.
_TIED_TO_US = ("setpriv", "--pdeathsig", "TERM")


class StartError(Exception):
    """A server did not begin to listen; the message has the end of its log."""


class Server:
    """One running server: the process we started and all its descendants."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log

    def __repr__(self) -> str:
        return f"<Server {self.name}: pid {self._process.pid}>"

    @property
    def pid(self) -> int:
        """The process we started, which may have children."""
        return self._process.pid

    def cpu_seconds(self) -> float:
        """Return the CPU time, user and system, that the whole tree has used."""
        return sum(seconds_by_process(self._process.pid).values())

    def resident_bytes(self) -> int:
        """Return the resident memory of the whole tree; pages that processes share are counted more than once."""
        return sum(_resident(pid) for pid in tree(self._process.pid))

    def wait_for(self, ports: Sequence[int], *, seconds: float = 20) -> None:
        """Return when all ports accept connections; raises StartError when the process ends or time is up."""
        deadline = time.monotonic() + seconds
        for port in ports:
            while not _accepts(port):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise StartError(f"{self.name} does not listen on {port}: {self.last_words()}")
                time.sleep(0.02)

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        return self._log.read_text(errors="replace")[-800:].strip() or "it wrote nothing"

    def stop(self) -> None:
        """End it, politely first."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextmanager
def running(
    name: str, command: Sequence[str | Path], *, cores: str, folder: Path, environment: dict[str, str] | None = None
) -> Iterator[Server]:
    """Run a server on `cores` for the length of a block; what it writes goes to `folder/NAME.log`."""
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # a process group of its own, so that its children can be ended with it
            [*_TIED_TO_US, "taskset", "-c", cores, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    server = Server(name, process, log)
    try:
        yield server
    finally:
        server.stop()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def tree(pid: int) -> list[int]:
    """Return the process and its descendants."""
    children = _children()
    found, at = [pid], 0
    while at < len(found):
        found += children.get(found[at], [])
        at += 1
    return found


def seconds_by_process(pid: int) -> dict[int, float]:
    """Return the CPU time, user and system, of the process and each of its descendants."""
    return {found: _thread_seconds(found) for found in tree(pid)}


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    return children


def _parent(entry: Path) -> int | None:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it ended while we looked
        return None


def _thread_seconds(pid: int) -> float:
    """Sum the threads' run time, in nanoseconds in schedstat: /proc/PID/stat counts ticks of 10 ms."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
