"""A whole gateway between the two sides of a migration, each a scripted backend."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.server.gateway import Gateway
from tests.support.client import Received, ask
from tests.support.gateway import migrating, running
from tests.support.port import free_port
from tests.support.scrape import Scraped, scrape
from tests.support.upstream import Script, ScriptedUpstream


@dataclass(frozen=True)
class Sides:
    """The gateway and its two backends."""

    gateway: Gateway
    v1: ScriptedUpstream
    v2: ScriptedUpstream

    @property
    def port(self) -> int:
        """The public port."""
        return self.gateway.public_port

    async def ask(self, method: str = "GET", target: str = "/api/favorites", body: bytes = b"") -> Received:
        """Send one request and return its answer."""
        return await ask(self.port, target, method, {"X-User": "alice"}, body)

    async def scrape(self) -> Scraped:
        """Read the gateway's metrics."""
        return await scrape(self.gateway.admin_port)


@asynccontextmanager
async def sides(
    folder: Path,
    legacy: Script | None = None,
    successor: Script | None = None,
    *,
    percent: float = 100,
    rollout: str = "",
    change: tuple[str, str] = ("", ""),
    is_dead: bool = False,
) -> AsyncIterator[Sides]:
    """Run them; `rollout` is more of the migration's rollout, `change` replaces a text in the configuration.

    The successor has a tenth of a second for an answer. `is_dead`: nobody listens where it should be.
    """
    async with ScriptedUpstream(legacy) as v1, ScriptedUpstream(successor) as v2:
        origin = f"http://127.0.0.1:{free_port()}" if is_dead else v2.origin
        text = migrating(v1.origin, origin, percent=percent)
        text = text.replace(f"[{origin}]", f"[{origin}], response_timeout: 100ms")
        text = text.replace("salt: tacn", f"salt: tacn{rollout}").replace(*change)
        async with running(folder, text) as gateway:
            yield Sides(gateway, v1, v2)
