"""A gateway made with Fastify."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.peer import Service, Site, said
from benchmarks.place import PEER_NODE, PEERS

_MODULES = PEER_NODE / "node_modules"


class Fastify:
    """Node with npm's fastify, one process."""

    name = "fastify"
    subjects = ("fastify-hs256",)

    def missing(self) -> str | None:
        """Say which part is not installed."""
        if not shutil.which("node"):
            return "node is not installed"
        return None if (_MODULES / "fastify").exists() else "fastify is not installed"

    def version(self) -> str:
        """Return Fastify's version and Node's."""
        package = json.loads((_MODULES / "fastify" / "package.json").read_text())
        return f"{package['version']}, Node {said('node', '--version')}"

    def services(self, site: Site, subjects: Sequence[str]) -> list[Service]:
        """Return its one process."""
        port = site.ports("hs256")["hs256"]
        program = site.folder / "fastify.js"  # Node looks for modules from the program's own folder upwards
        program.write_text((PEERS / "fastify" / "gateway.js").read_text())
        command: list[str | Path] = ["node", program, str(port), site.keys / "hs.key", str(site.v1), str(site.v2)]
        return [Service(command, dict.fromkeys(subjects, port), {"NODE_PATH": str(_MODULES)})]
