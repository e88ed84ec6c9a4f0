"""The fast upstream behind everybody: one nginx process on two ports."""

from benchmarks.peers.peer import Service, Site
from benchmarks.place import PEERS, fill

_SIZES = {"16k.bin": 16 << 10, "1m.bin": 1 << 20}


def upstream(site: Site) -> Service:
    """Write the files it serves and its configuration."""
    files = site.folder / "www"
    files.mkdir(parents=True, exist_ok=True)
    for name, size in _SIZES.items():
        (files / name).write_bytes(b"0123456789abcdef" * (size // 16))
    sink = site.ports("sink")
    path = fill(PEERS / "upstream" / "nginx.conf", site.folder / "upstream.conf", site.values(SINK=sink["sink"]))
    return Service(["nginx", "-c", path, "-p", site.folder, "-e", "stderr"], {"v1": site.v1, "v2": site.v2})
