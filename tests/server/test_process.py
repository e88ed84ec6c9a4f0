"""The gateway as a process: what signals do, and how it ends."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.core.threads import SWITCH_SECONDS
from tests.support.client import ask, connected
from tests.support.gateway import plain
from tests.support.poll import until
from tests.support.upstream import OK, Peer, Received, ScriptedUpstream

CHILD = """
import json, logging, sys
from pathlib import Path
from gateway.server.process import run

def ready(addresses):
    addresses = {"public": addresses.public, "admin": addresses.admin}
    print(json.dumps({**addresses, "switch_seconds": sys.getswitchinterval()}), flush=True)

logging.basicConfig(level=logging.INFO)
sys.exit(run(Path(sys.argv[1]), ready=ready))
"""
OPS = {"Authorization": "Bearer ops-token-for-tests"}


class Child:
    """A gateway in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, public: int, admin: int, switch_seconds: float) -> None:
        self.process = process
        self.switch_seconds = switch_seconds
        self.public = public
        self.admin = admin

    async def has_reloaded(self) -> bool:
        """Return whether the second revision runs."""
        revision: int = (await ask(self.admin, "/api/status", fields=OPS)).json()["config"]["revision"]
        return revision == 2

    async def is_draining(self) -> bool:
        """Return whether it has stopped being ready."""
        return (await ask(self.admin, "/readyz")).status == 503

    async def ended(self) -> int:
        """Wait for the exit code."""
        async with asyncio.timeout(15):
            return await self.process.wait()


@asynccontextmanager
async def _child(path: Path) -> AsyncIterator[Child]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            addresses = json.loads(await process.stdout.readline())
        ports = [int(addresses[name].rpartition(":")[2]) for name in ("public", "admin")]
        yield Child(process, *ports, addresses["switch_seconds"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_no_thread_keeps_the_loop_waiting_for_long(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1:
        (tmp_path / "gateway.yaml").write_text(plain(v1.origin))
        async with _child(tmp_path / "gateway.yaml") as child:
            assert child.switch_seconds == pytest.approx(SWITCH_SECONDS)


async def test_sighup_reloads_and_sigterm_drains_and_exits_with_0(tmp_path: Path) -> None:
    asked, resume = asyncio.Event(), asyncio.Event()

    async def slow(received: Received, peer: Peer) -> bool:
        if "/slow" in received.line:
            asked.set()
            await resume.wait()
        await peer.send(OK)
        return True

    path = tmp_path / "gateway.yaml"
    async with ScriptedUpstream(slow) as v1:
        path.write_text(plain(v1.origin))
        async with _child(path) as child, connected(child.public) as client:
            assert (await ask(child.public, "/api/x")).get("X-Served-By") == "v1"
            child.process.send_signal(signal.SIGHUP)
            await until(child.has_reloaded)
            await client.send(b"GET /api/slow HTTP/1.1\r\nHost: a\r\n\r\n")
            async with asyncio.timeout(5):
                await asked.wait()
            child.process.send_signal(signal.SIGTERM)
            await until(child.is_draining)
            resume.set()
            assert (await client.answer()).status == 200
            assert await child.ended() == 0


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    async def never(_received: Received, peer: Peer) -> None:
        await peer.gone()

    path = tmp_path / "gateway.yaml"
    async with ScriptedUpstream(never) as v1:
        path.write_text(plain(v1.origin))
        async with _child(path) as child, connected(child.public) as client:
            await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            async with asyncio.timeout(5):
                await v1.connected.wait()
            child.process.send_signal(signal.SIGINT)
            await until(child.is_draining)
            child.process.send_signal(signal.SIGINT)
            assert await child.ended() == 0
            assert await client.at_end()
