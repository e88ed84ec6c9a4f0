"""A running gateway follows its file, and ends without cutting anybody off."""

import asyncio
import logging
from pathlib import Path

import pytest

from gateway.config.keys import KeyFaultError
from gateway.config.load import ConfigError
from gateway.server import configuration
from gateway.server.configuration import ConfigSource
from gateway.server.gateway import Gateway
from tests.support.client import ask, connected
from tests.support.gateway import migrating, plain, running
from tests.support.poll import until
from tests.support.soon import soon
from tests.support.upstream import OK, Peer, Received, ScriptedUpstream

OPS = {"Authorization": "Bearer ops-token-for-tests"}


async def _revision(gateway: Gateway) -> int:
    revision: int = (await ask(gateway.admin_port, "/api/status", fields=OPS)).json()["config"]["revision"]
    return revision


async def test_an_edited_file_is_applied_by_itself(tmp_path: Path) -> None:
    async with (
        ScriptedUpstream() as v1,
        ScriptedUpstream() as v2,
        running(tmp_path, migrating(v1.origin, v2.origin, percent=0)) as gateway,
    ):
        assert (await ask(gateway.public_port, "/api/favorites")).get("X-Served-By") == "v1"
        (tmp_path / "gateway.yaml").write_text(migrating(v1.origin, v2.origin, percent=100))

        async def is_applied() -> bool:
            # The percent follows the rules: it is an event, which the store keeps first.
            answer = await ask(gateway.public_port, "/api/favorites")
            return await _revision(gateway) == 2 and answer.get("X-Served-By") == "v2"

        await until(is_applied)
        assert (
            b'crossfade_config_reloads_total{result="applied"} 1.0' in (await ask(gateway.admin_port, "/metrics")).body
        )


async def test_a_broken_edit_is_refused_with_every_error_and_the_old_one_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        broken = plain(v1.origin, server="  drain: soon\n  colour: red")
        (tmp_path / "gateway.yaml").write_text(broken)
        caplog.clear()
        assert await gateway.reload() is False
        errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert any("server.drain" in line and "gateway.yaml:" in line for line in errors)
        assert any("server.colour" in line for line in errors)
        assert await _revision(gateway) == 1
        assert (await ask(gateway.public_port, "/api/x")).status == 200
        metrics = (await ask(gateway.admin_port, "/metrics")).body
    assert b'crossfade_config_reloads_total{result="refused"} 1.0' in metrics
    assert b"crossfade_config_revision 1.0" in metrics


async def test_a_file_that_was_read_on_request_is_not_read_again_by_the_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def stamp(source: ConfigSource) -> tuple[int, int, int] | None:
        nonlocal looks
        looks += 1
        return await look(source)

    look = ConfigSource.stamp
    monkeypatch.setattr(ConfigSource, "stamp", stamp)
    monkeypatch.setattr("gateway.server.gateway.POLL_SECONDS", 0.01)
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        (tmp_path / "gateway.yaml").write_text(plain(v1.origin, server="  version_header: X-Side"))
        assert await gateway.reload() is True
        reached, seen = await _revision(gateway), looks
        assert await soon(lambda: looks > seen + 5)
        assert await _revision(gateway) == reached


async def test_unchanged_upstreams_keep_their_connections_over_a_reload(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/x")
        (tmp_path / "gateway.yaml").write_text(plain(v1.origin, server="  version_header: X-Side"))
        assert await gateway.reload() is True
        answer = await ask(gateway.public_port, "/api/x")
    assert answer.get("X-Side") == "v1"
    assert v1.connections == 1


async def test_a_changed_upstream_finishes_its_open_requests_and_then_closes(tmp_path: Path) -> None:
    resume = asyncio.Event()

    async def slow(_received: Received, peer: Peer) -> bool:
        await resume.wait()
        await peer.send(OK)
        return True

    async with (
        ScriptedUpstream(slow) as old,
        ScriptedUpstream() as new,
        running(tmp_path, plain(old.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        await old.connected.wait()
        (tmp_path / "gateway.yaml").write_text(plain(new.origin))
        assert await gateway.reload() is True
        assert (await ask(gateway.public_port, "/api/x")).status == 200
        assert len(new.received) == 1
        resume.set()
        assert (await client.answer()).status == 200
        async with asyncio.timeout(5):
            await old.peers_gone.wait()


async def test_limits_and_admin_tokens_follow_the_file(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        assert (await ask(gateway.public_port, "/api/x", "POST", body=b"x" * 2000)).status == 200
        text = plain(v1.origin, server="  limits: {body: 1KiB}").replace(
            "ops-token-for-tests", "a-new-token-for-operators"
        )
        (tmp_path / "gateway.yaml").write_text(text)
        assert await gateway.reload() is True
        assert (await ask(gateway.public_port, "/api/x", "POST", body=b"x" * 2000)).status == 413
        assert (await ask(gateway.admin_port, "/api/status", fields=OPS)).status == 401


async def test_what_needs_a_restart_is_said_and_not_done(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        text = plain(v1.origin).replace("listen: 127.0.0.1:0\n  admin", "listen: 127.0.0.1:1\n  admin")
        (tmp_path / "gateway.yaml").write_text(text)
        assert await gateway.reload() is True
        assert (await ask(gateway.public_port, "/api/x")).status == 200
        assert "server.listen has changed: this needs a restart" in caplog.text
        caplog.clear()
        assert await gateway.reload() is True
        assert "server.listen has changed: this needs a restart" in caplog.text
        caplog.clear()
        (tmp_path / "gateway.yaml").write_text(plain(v1.origin))
        assert await gateway.reload() is True
        assert "server.listen" not in caplog.text


async def test_a_key_that_changes_between_check_and_use_is_a_refused_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def vanished(*_args: object, **_options: object) -> None:
        raise KeyFaultError("public_key", "there is no file 'jwt.pem'")

    async with running(tmp_path, plain("http://127.0.0.1:1")) as gateway:
        monkeypatch.setattr(configuration, "compile_snapshot", vanished)
        assert await gateway.reload() is False
        assert "there is no file 'jwt.pem'" in caplog.text


async def test_requests_during_reloads_are_all_answered(tmp_path: Path) -> None:
    async with (
        ScriptedUpstream() as v1,
        ScriptedUpstream() as v2,
        running(tmp_path, migrating(v1.origin, v2.origin, percent=50)) as gateway,
    ):

        async def traffic() -> list[int]:
            return [(await ask(gateway.public_port, "/api/favorites")).status for _ in range(30)]

        async def reloads() -> None:
            for number in range(15):
                (tmp_path / "gateway.yaml").write_text(migrating(v1.origin, v2.origin, percent=number))
                assert await gateway.reload() is True

        *statuses, _ = await asyncio.gather(traffic(), traffic(), reloads())
    assert {status for found in statuses if found is not None for status in found} == {200}


async def test_draining_finishes_a_slow_request_and_takes_no_new_connection(tmp_path: Path) -> None:
    resume = asyncio.Event()

    async def slow(_received: Received, peer: Peer) -> bool:
        await resume.wait()
        await peer.send(OK)
        return True

    async with (
        ScriptedUpstream(slow) as v1,
        running(tmp_path, plain(v1.origin)) as gateway,
        connected(gateway.public_port) as client,
        connected(gateway.public_port) as idle,
    ):
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        await v1.connected.wait()
        port = gateway.public_port
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(gateway.drain())
            await idle.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            health = await idle.answer()
            assert (health.status, health.get("Connection")) == (503, "close")
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            assert (await ask(gateway.admin_port, "/readyz")).status == 503
            assert (await ask(gateway.admin_port, "/livez")).status == 200
            assert not draining.done()
            resume.set()
            assert (await client.answer()).status == 200


async def test_draining_ends_after_its_time(tmp_path: Path) -> None:
    async def never(_received: Received, peer: Peer) -> None:
        await peer.gone()

    text = plain("ORIGIN", server="  drain: 100ms")
    async with (
        ScriptedUpstream(never) as v1,
        running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        await v1.connected.wait()
        async with asyncio.timeout(5):
            await gateway.drain()
            await gateway.stop()
            assert await client.at_end()


async def test_a_broken_file_does_not_start(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("version: 1\n")
    gateway = Gateway(path, environ={})
    with pytest.raises(ConfigError):
        await gateway.start()
    await gateway.stop()


async def test_a_taken_port_is_an_error_and_leaves_nothing_open(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1:
        free = plain("http://127.0.0.1:1")
        taken = free.replace("listen: 127.0.0.1:0\n  admin", f"listen: 127.0.0.1:{v1.port}\n  admin")
        path = tmp_path / "gateway.yaml"
        path.write_text(taken)
        gateway = Gateway(path, environ={})
        with pytest.raises(OSError, match="address already in use"):
            await gateway.start()
        await gateway.stop()
