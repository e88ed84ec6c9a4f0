"""A new process takes over the port of an old one under load, and nothing is lost."""

import asyncio
import signal
import socket
from pathlib import Path

import pytest

from tests.support.child import gateway_process
from tests.support.echo import Echo
from tests.support.gateway import plain
from tests.support.load import load
from tests.support.port import free_port

pytestmark = pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="this system has no SO_REUSEPORT")

CLIENTS = 12
"""Enough that some are always just connecting: whom the old process has not accepted yet must not be lost either."""


@pytest.mark.parametrize("is_fresh", [False, True], ids=["kept connections", "a connection a request"])
async def test_a_rolling_replacement_loses_nothing(tmp_path: Path, is_fresh: bool) -> None:
    async with Echo() as v1:
        text = plain(v1.origin).replace("  listen: 127.0.0.1:0", f"  listen: 127.0.0.1:{free_port()}", 1)
        async with (
            gateway_process(tmp_path, text, name="old") as old,
            load(old.public, clients=CLIENTS, is_fresh=is_fresh, pause=0.001) as running,
        ):
            await asyncio.sleep(0.3)
            async with gateway_process(tmp_path, text, name="new") as new:
                assert new.public == old.public
                await asyncio.sleep(0.3)
                old.signal(signal.SIGTERM)
                assert await old.ended() == 0
                before = len(running.seconds)
                await asyncio.sleep(0.5)
                assert len(running.seconds) > before
                running.end()
                await asyncio.sleep(0.2)
        assert running.lost == []
