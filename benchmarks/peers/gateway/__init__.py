"""Our own gateway, full policy on, one worker: as it is delivered, which is compiled, and as pure Python."""

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.peer import Service, Site, policy, said
from benchmarks.place import ROOT, fill
from compiled.build import TARGET, is_current

_HERE = Path(__file__).parent
_KEYS = {
    "hs256": "{{alg: HS256, kid: hs, secret: '${{file:{0}/hs.key}}'}}",
    "rs256": "{{alg: RS256, kid: rs, public_key: {0}/rs.pub.pem}}",
    "es256": "{{alg: ES256, kid: es, public_key: {0}/es.pub.pem}}",
}


def _delivered() -> Path:
    """Return where ours lies: another checkout that was named for a before and after, or this one, best compiled."""
    return Path(os.environ.get("BENCH_GATEWAY_TREE") or (TARGET if is_current() else ROOT)).resolve()


class Gateway:
    """This project, as it lies in `tree`."""

    def __init__(self, name: str, tree: Path) -> None:
        self.name = name
        self.subjects = tuple(f"{name}-{algorithm}" for algorithm in _KEYS)
        self.tree = tree

    def missing(self) -> str | None:
        """Nothing: it is here."""
        return None

    def version(self) -> str:
        """Return the project's version, the interpreter's, and whether it is compiled."""
        version = said(sys.executable, "-c", "import gateway; print(gateway.__version__)")
        return f"{version}, Python {platform.python_version()}{', compiled' if self.tree == TARGET else ''}"

    def services(self, site: Site, subjects: Sequence[str]) -> list[Service]:
        """Return one process for each algorithm, so that each has a cache of its own."""
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
        return Service(command, {subject: ports["public"]}, {"PYTHONPATH": f"{self.tree}:{ROOT}"}, ports["admin"])


OURS = Gateway("ours", _delivered())
PURE = Gateway("pure", ROOT)
