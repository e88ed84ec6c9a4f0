"""One gateway in a process of its own: signals, limits, and what the kernel says about it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from tests.support.client import ask
from tests.support.soon import soon

ROOT = Path(__file__).parents[2]
OPS = {"Authorization": "Bearer ops-token-for-tests"}
CHILD = """
import json, logging, resource, sys
from pathlib import Path

descriptors = int(sys.argv[2])
if descriptors:
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

from gateway.server.process import run

def ready(addresses):
    print(json.dumps({"public": addresses.public, "admin": addresses.admin}), flush=True)

logging.basicConfig(level=logging.INFO)
logging.getLogger("gateway.access").setLevel(logging.WARNING)
sys.exit(run(Path(sys.argv[1]), ready=ready))
"""


class Child:
    """A gateway's process. `public` and `admin` are its ports."""

    def __init__(self, process: asyncio.subprocess.Process, config: Path, log: Path, public: int, admin: int) -> None:
        self.process = process
        self.config = config
        self.log = log
        self.public = public
        self.admin = admin
        self._seen = psutil.Process(process.pid)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def ended(self, seconds: float = 15) -> int:
        """Wait for the exit code."""
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def revision(self) -> int:
        """Return the number of the configuration that is running."""
        found: int = (await ask(self.admin, "/api/status", fields=OPS)).json()["config"]["revision"]
        return found

    async def metric(self, name: str) -> float:
        """Return the sum of a metric's series whose text starts with `name`; there must be one.

        Prometheus text has its labels in alphabetical order.
        """
        text = (await ask(self.admin, "/metrics")).body.decode()
        series = [line for line in text.splitlines() if line.startswith(name)]
        assert series, f"there is no {name} in\n{text}"
        return sum(float(line.rpartition(" ")[2]) for line in series)

    def descriptors(self) -> int:
        """Return how many file descriptors are open."""
        return self._seen.num_fds()

    async def accepted(self, count: int) -> bool:
        """Wait until it holds at least so many descriptors."""
        return await soon(lambda: self.descriptors() >= count)

    def resident_bytes(self) -> int:
        """Return the resident set's size."""
        found: int = self._seen.memory_info().rss
        return found

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far, the system's part included."""
        times = self._seen.cpu_times()
        return float(times.user + times.system)


@asynccontextmanager
async def gateway_process(
    folder: Path, text: str, *, descriptors: int = 0, environ: Mapping[str, str] | None = None, name: str = "gateway"
) -> AsyncIterator[Child]:
    """Run a gateway with this configuration for the length of a block; `descriptors` lowers RLIMIT_NOFILE."""
    path, log = folder / f"{name}.yaml", folder / f"{name}.log"
    path.write_text(text)
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", CHILD, str(path), str(descriptors)),
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            env={**os.environ, **(environ or {})},
            cwd=ROOT,
        )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            line = await process.stdout.readline()
        assert line, f"the gateway did not start:\n{log.read_text()}"
        ports = {key: int(value.rpartition(":")[2]) for key, value in json.loads(line).items()}
        yield Child(process, path, log, ports["public"], ports["admin"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
