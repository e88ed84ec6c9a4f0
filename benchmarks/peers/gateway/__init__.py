"""Our own gateway, full policy on, one worker: as it is, and with its forwarding path compiled."""

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine.process import StartError
from benchmarks.peers.peer import Service, Site, policy, said
from benchmarks.place import ROOT, fill

_HERE = Path(__file__).parent
TREE = Path(os.environ.get("BENCH_GATEWAY_TREE", ROOT)).resolve()  # another checkout, for a before and after
BUILT = ROOT / "var" / "compiled"
_KEYS = {
    "hs256": "{{alg: HS256, kid: hs, secret: '${{file:{0}/hs.key}}'}}",
    "rs256": "{{alg: RS256, kid: rs, public_key: {0}/rs.pub.pem}}",
    "es256": "{{alg: ES256, kid: es, public_key: {0}/es.pub.pem}}",
}


class Gateway:
    """This project, as it lies in `tree`."""

    def __init__(self, name: str = "ours", tree: Path = TREE) -> None:
        self.name = name
        self.subjects = tuple(f"{name}-{algorithm}" for algorithm in _KEYS)
        self._tree = tree

    def missing(self) -> str | None:
        """Nothing: it is here."""
        return None

    def version(self) -> str:
        """Return the project's version and the interpreter's."""
        version = said(sys.executable, "-c", "import gateway; print(gateway.__version__)")
        return f"{version}, Python {platform.python_version()}"

    def services(self, site: Site, subjects: Sequence[str]) -> list[Service]:
        """Return one process for each algorithm, so that each has a cache of its own. Raises StartError."""
        if not self._tree.exists():
            raise StartError("`make compiled` has not built it")
        return [self.service(site, subject) for subject in subjects]

    def service(
        self, site: Site, subject: str, *, workers: int = 1, redis: str = "null", profile: Path | None = None
    ) -> Service:
        """Return one gateway; with `profile`, one that writes there where its time went."""
        ports = site.ports("public", "admin")
        key = _KEYS[policy(subject) or "hs256"].format(site.keys)
        values = site.values(PUBLIC=ports["public"], ADMIN=ports["admin"], WORKERS=workers, REDIS=redis, KEY=key)
        path = fill(_HERE / "gateway.yaml", site.folder / f"{subject}-{ports['public']}.yaml", values)
        command: list[str | Path] = [sys.executable, _HERE / "launch.py", path, *([profile] if profile else [])]
        return Service(command, {subject: ports["public"]}, {"PYTHONPATH": f"{self._tree}:{ROOT}"}, ports["admin"])
