"""Gateways made with Python frameworks, in an environment of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.peer import Service, Site, said
from benchmarks.place import PEER_PYTHON, PEERS

_PYTHON = PEER_PYTHON / "bin" / "python"


@dataclass(frozen=True, slots=True)
class PythonPeer:
    """One program in this folder; `distributions` are what it is made of."""

    name: str
    program: str
    distributions: tuple[str, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """Its one subject."""
        return (f"{self.name}-hs256",)

    def missing(self) -> str | None:
        """Say which part is not installed."""
        if not _PYTHON.exists():
            return f"{self.distributions[0]} is not installed"
        absent = [name for name in self.distributions if self._version(name) == "unknown"]
        return f"{', '.join(absent)} is not installed" if absent else None

    def version(self) -> str:
        """Return the versions of what it is made of."""
        return ", ".join(f"{name} {self._version(name)}" for name in self.distributions)

    def _version(self, distribution: str) -> str:
        return said(
            _PYTHON, "-W", "ignore", "-c", f"import importlib.metadata as m; print(m.version({distribution!r}))"
        )

    def services(self, site: Site, subjects: Sequence[str]) -> list[Service]:
        """Return its one process."""
        port = site.ports("hs256")["hs256"]
        program = PEERS / "python" / "own-environment" / self.program
        command: list[str | Path] = [_PYTHON, program, str(port), site.keys / "hs.key", str(site.v1), str(site.v2)]
        return [Service(command, dict.fromkeys(subjects, port), {"PYTHONDONTWRITEBYTECODE": "1"})]


AIOHTTP = PythonPeer("aiohttp", "aiohttp_gateway.py", ("aiohttp", "uvloop", "pyjwt"))
FASTAPI = PythonPeer("fastapi", "fastapi_gateway.py", ("fastapi", "httpx", "uvicorn", "pyjwt"))
