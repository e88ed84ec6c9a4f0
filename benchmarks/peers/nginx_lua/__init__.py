"""nginx with Lua: verified tokens are kept, its best case."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.peer import Service, Site, said
from benchmarks.place import PEERS, fill

_MODULE = Path("/usr/lib/nginx/modules/ngx_http_lua_module.so")
_JSON = Path("/usr/share/lua/5.1/cjson")


class NginxLua:
    """Debian's nginx with libnginx-mod-http-lua and lua-cjson."""

    name = "nginx-lua"
    subjects = ("nginx-lua-hs256",)

    def missing(self) -> str | None:
        """Say which part is not installed."""
        if not shutil.which("nginx"):
            return "nginx is not installed"
        return None if _MODULE.exists() and _JSON.exists() else "nginx's Lua module or lua-cjson is not installed"

    def version(self) -> str:
        """Return nginx's version."""
        return said("nginx", "-v")

    def services(self, site: Site, subjects: Sequence[str]) -> list[Service]:
        """Return its one process."""
        ports = site.ports("HS256", "METRICS")
        here = PEERS / "nginx_lua"
        path = fill(here / "nginx.conf", site.folder / "nginx-lua.conf", site.values(HERE=here, **ports))
        command: list[str | Path] = ["nginx", "-c", path, "-p", site.folder, "-e", "stderr"]
        return [Service(command, dict.fromkeys(subjects, ports["HS256"]))]
