"""HAProxy: the token is verified on every request."""

import shutil
from collections.abc import Sequence

from benchmarks.peers.peer import Service, Site, policy, said
from benchmarks.place import PEERS, fill
from benchmarks.traffic.identity import SECRET


class HAProxy:
    """Debian's haproxy, one process for all three algorithms."""

    name = "haproxy"
    subjects = ("haproxy-hs256", "haproxy-rs256", "haproxy-es256")

    def missing(self) -> str | None:
        """Say whether it is not installed."""
        return None if shutil.which("haproxy") else "haproxy is not installed"

    def version(self) -> str:
        """Return its version."""
        return said("haproxy", "-v")

    def services(self, site: Site, subjects: Sequence[str]) -> list[Service]:
        """Return its one process."""
        ports = site.ports("HS256", "RS256", "ES256", "METRICS")
        values = site.values(SECRET=SECRET, **ports)
        path = fill(PEERS / "haproxy" / "haproxy.cfg", site.folder / "haproxy.cfg", values)
        served = {subject: ports[str(policy(subject)).upper()] for subject in subjects}
        return [Service(["haproxy", "-db", "-f", path], served)]
