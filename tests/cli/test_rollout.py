"""`crossfade rollout`, as a process against a running gateway."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.server.gateway import Gateway
from tests.support.gateway import migrating, running

from .conftest import Crossfade

OPS = {"CROSSFADE_ADMIN_TOKEN": "ops-token-for-tests"}
EYES = {"CROSSFADE_ADMIN_TOKEN": "eyes-token-for-tests"}

type Rollout = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]


@asynccontextmanager
async def _operator(crossfade: Crossfade, folder: Path) -> AsyncIterator[tuple[Rollout, Gateway]]:
    async with running(folder, migrating("http://127.0.0.1:1", "http://127.0.0.1:2", percent=10)) as gateway:

        async def rollout(*arguments: str, environ: dict[str, str] = OPS) -> subprocess.CompletedProcess[str]:
            admin = ("--admin", f"http://127.0.0.1:{gateway.admin_port}")
            return await asyncio.to_thread(crossfade, "rollout", *arguments, *admin, environ=environ)

        yield rollout, gateway


async def test_an_operator_looks_moves_and_reads_what_was_done(crossfade: Crossfade, tmp_path: Path) -> None:
    async with _operator(crossfade, tmp_path) as (rollout, _):
        listed = await rollout("list")
        done = await rollout("set", "watchlist", "15", "--reason", "weekly step")
        shown = await rollout("show", "watchlist", "--json")
        history = await rollout("history", "watchlist")
    assert "watchlist" in listed.stdout
    assert "10 %" in listed.stdout
    assert (done.returncode, done.stdout) == (0, "watchlist: 15 %, static.\n")
    found = json.loads(shown.stdout)
    assert (found["percent"], found["file_percent"], found["differs"]) == (15.0, 10.0, True)
    assert "weekly step" in history.stdout
    assert "operator:ops" in history.stdout


async def test_a_large_jump_shows_who_moves_and_is_asked_about(crossfade: Crossfade, tmp_path: Path) -> None:
    async with _operator(crossfade, tmp_path) as (rollout, _):
        asked = await rollout("set", "watchlist", "90", "--reason", "big")
        kept = json.loads((await rollout("show", "watchlist", "--json")).stdout)
        sure = await rollout("set", "watchlist", "90", "--reason", "big", "--yes")
        promoted = await rollout("promote", "watchlist", "--reason", "all")
        document = await rollout("promote", "watchlist", "--reason", "all", "--json")
        back = await rollout("rollback", "watchlist", "--reason", "INC-7")
        again = await rollout("promote", "watchlist", "--reason", "all")
    assert asked.returncode == 1
    assert "watchlist from 10 % to 90 %" in asked.stderr
    assert asked.stdout == ""
    assert "Move watchlist from 10 % to 90 %?" in asked.stderr
    assert kept["percent"] == 10.0
    assert (sure.returncode, sure.stdout) == (0, "watchlist: 90 %, static.\n")
    assert "The way back: crossfade rollout set watchlist 10 --reason" in sure.stderr
    assert (promoted.returncode, promoted.stdout) == (0, "watchlist: 100 %, promoted.\n"), "no more than 10 points"
    assert (document.returncode, document.stdout) == (1, "")
    assert (back.returncode, back.stdout) == (0, "watchlist: 0 %, rolled_back.\n"), "the way to safety asks nothing"
    assert (again.returncode, "Move watchlist from 0 % to 100 %?" in again.stderr) == (1, True)


async def test_what_cannot_be_done_has_a_reason_and_an_exit_code(crossfade: Crossfade, tmp_path: Path) -> None:
    async with _operator(crossfade, tmp_path) as (rollout, _):
        paused = await rollout("pause", "watchlist", "--reason", "x")
        unknown = await rollout("show", "nope")
        viewer = await rollout("rollback", "watchlist", "--reason", "x", environ=EYES)
        unreasoned = await rollout("rollback", "watchlist")
        wild = await rollout("set", "watchlist", "101", "--reason", "x")
        nan = await rollout("set", "watchlist", "nan", "--reason", "x")
    assert (paused.returncode, "there is no ramp" in paused.stderr) == (1, True)
    assert (unknown.returncode, "there are watchlist" in unknown.stderr) == (1, True)
    assert (viewer.returncode, "operator's token" in viewer.stderr) == (1, True)
    assert (unreasoned.returncode, "--reason" in unreasoned.stderr) == (2, True)
    assert (wild.returncode, "101" in wild.stderr) == (2, True)
    assert (nan.returncode, "nan" in nan.stderr) == (2, True)
    for done in (paused, unknown, viewer, unreasoned, wild, nan):
        assert "Traceback" not in done.stderr
        assert "token-for-tests" not in done.stderr


async def test_names_of_migrations_complete_themselves(crossfade: Crossfade, tmp_path: Path) -> None:
    async with _operator(crossfade, tmp_path) as (_, gateway):
        words = f"crossfade rollout show --admin http://127.0.0.1:{gateway.admin_port} wat"
        environ = {**OPS, "_CROSSFADE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "5"}
        done = await asyncio.to_thread(crossfade, environ=environ)
    assert "plain,watchlist" in done.stdout
