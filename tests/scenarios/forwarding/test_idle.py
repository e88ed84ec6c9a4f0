"""10 000 idle connections cost at most 4 KiB each."""

import resource
from pathlib import Path

from tests.support.child import gateway_process
from tests.support.client import ask
from tests.support.crowd import crowd
from tests.support.echo import Echo
from tests.support.gateway import plain

WANTED = 10_000
SPARE = 500
"""Descriptors that each process needs for itself."""
MOST_BYTES = 4096
LIMITS = "\n  limits: {connections: 11000, header_timeout: 2m, keep_alive: 2m}"


async def test_idle_connections_cost_at_most_4_kib_each(tmp_path: Path) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(WANTED, soft - SPARE)
    assert count >= 500, f"`ulimit -n` is {soft}: too low to say anything"
    async with Echo() as v1, gateway_process(tmp_path, plain(v1.origin, server=LIMITS)) as child:
        async with crowd(child.public) as clients:
            for _ in range(50):
                assert (await ask(child.public, "/api/x")).status == 200
            before = child.resident_bytes()
            await clients.connect(count)
            assert await child.accepted(count)
            silent = (child.resident_bytes() - before) / count
            await clients.ask()
            used = (child.resident_bytes() - before) / count
            assert child.descriptors() >= count
        print(f"{count} connections: {silent:.0f} bytes each before a request, {used:.0f} after one")  # noqa: T201
        assert silent <= MOST_BYTES
        assert used <= MOST_BYTES
        assert (await ask(child.public, "/api/x")).status == 200
