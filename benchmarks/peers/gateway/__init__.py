"""Our own gateway, full policy on, one worker."""

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.peer import Service, Site, policy, said
from benchmarks.place import ROOT, fill

_HERE = Path(__file__).parent
TREE = Path(os.environ.get("BENCH_GATEWAY_TREE", ROOT)).resolve()  # another checkout, for a before and after
_KEYS = {
    "hs256": "{{alg: HS256, kid: hs, secret: '${{file:{0}/hs.key}}'}}",
    "rs256": "{{alg: RS256, kid: rs, public_key: {0}/rs.pub.pem}}",
    "es256": "{{alg: ES256, kid: es, public_key: {0}/es.pub.pem}}",
}


class Gateway:
    """This project."""

    name = "ours"
    subjects = ("ours-hs256", "ours-rs256", "ours-es256")

    def missing(self) -> str | None:
        """Nothing: it is here."""
        return None

    def version(self) -> str:
        """Return the project's version and the interpreter's."""
        version = said(sys.executable, "-c", "import gateway; print(gateway.__version__)")
        return f"{version}, Python {platform.python_version()}"

    def services(self, site: Site, subjects: Sequence[str]) -> list[Service]:
        """Return one process for each algorithm, so that each has a cache of its own."""
        return [self.service(site, subject) for subject in subjects]

    def service(self, site: Site, subject: str, *, workers: int = 1) -> Service:
        """Return one gateway process."""
        ports = site.ports("public", "admin")
        algorithm = policy(subject) or "hs256"
        values = site.values(
            PUBLIC=ports["public"], ADMIN=ports["admin"], WORKERS=workers, KEY=_KEYS[algorithm].format(site.keys)
        )
        path = fill(_HERE / "gateway.yaml", site.folder / f"{subject}-{workers}.yaml", values)
        command: list[str | Path] = [sys.executable, _HERE / "launch.py", path]
        return Service(command, {subject: ports["public"]}, {"PYTHONPATH": str(TREE)})
