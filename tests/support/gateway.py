"""A whole gateway inside the test, on ports of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from blockbuster import blockbuster_ctx

from gateway.core.clock import Clock
from gateway.server.gateway import Gateway

LISTEN = """
version: 1
server:
  listen: 127.0.0.1:0
  admin:
    listen: 127.0.0.1:0
    tokens:
      - {name: ops, role: operator, token: ops-token-for-tests}
      - {name: eyes, role: viewer, token: eyes-token-for-tests}
"""


def plain(origin: str, *, server: str = "", upstream: str = "", rest: str = "") -> str:
    """Return a configuration with one upstream `v1` and a route for everything below /api; extras are YAML lines."""
    return f"""{LISTEN}{server}
upstreams:
  v1:
    endpoints: [{origin}]
{upstream}
routes:
  - {{name: everything, match: "/api/{{rest*}}", upstream: v1, auth: none}}
{rest}
"""


def migrating(legacy: str, successor: str, *, percent: float = 100, rest: str = "", adapt: str = "items") -> str:
    """Return a configuration with one migration `watchlist` that splits on the header X-User."""
    return f"""{LISTEN}
upstreams:
  v1: {{endpoints: [{legacy}]}}
  v2: {{endpoints: [{successor}]}}
adapters:
  items:
    request: {{body: "{{symbol: stock_code}}"}}
    response: {{body: "{{success: success, data: data[].{{stock_code: symbol}}}}", status: {{201: 200}}}}
    error: {{body: "{{detail: error.message}}", status: {{409: 400}}}}
migrations:
  watchlist:
    title: Watchlist
    legacy: v1
    successor: v2
    auth: none
    endpoints:
      - {{legacy: "GET /api/favorites", successor: "GET /api/v2/watchlist", adapt: {adapt}}}
      - {{legacy: "POST /api/favorites", successor: "POST /api/v2/watchlist", adapt: {adapt}}}
    rollout: {{percent: {percent}, by: ["header:X-User", ip], salt: tacn}}
{rest}
"""


@asynccontextmanager
async def running(folder: Path, text: str, *, clock: Clock | None = None) -> AsyncIterator[Gateway]:
    """Run a gateway with this configuration for the length of a block; the file is `folder/gateway.yaml`.

    A call of the gateway's that would block its loop fails the test.
    """
    path = folder / "gateway.yaml"
    path.write_text(text)
    gateway = Gateway(path, environ={}, clock=clock)
    with blockbuster_ctx("gateway"):
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.stop()
