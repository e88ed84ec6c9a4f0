"""The terminal's client: it follows topics, comes back by itself, and says what was lost."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.cli.watch import line
from gateway.cli.watching import Watcher, WatchError
from gateway.core.tasks import cancel_all, spawn
from tests.realtime.place import RULES, Place, place
from tests.support.soon import soon


class Terminal:
    """What a watcher shows and says."""

    def __init__(self) -> None:
        self.shown: list[Mapping[str, Any]] = []
        self.remarks: list[str] = []

    def watcher(self, site: Place, *topics: str, token: str = "") -> Watcher:
        url = f"http://127.0.0.1:{site.port}/ws"
        return Watcher(url, token or site.token(), topics, self.shown.append, self.remarks.append, Quick())

    @property
    def offsets(self) -> list[int]:
        return [said["offset"] for said in self.shown]


class Quick(Random):
    """Comes back at once."""

    def uniform(self, a: float, b: float) -> float:
        return 0.01


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Place]:
    async with place(tmp_path, RULES) as found:
        yield found


@asynccontextmanager
async def watching(watcher: Watcher) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[Any]] = set()
    spawn(watcher.run(), name="watch", owner=tasks)
    try:
        yield
    finally:
        await cancel_all(tasks)


async def agreed(site: Place) -> None:
    """Wait for a subscription, and agree to it."""
    assert await soon(lambda: bool(site.stage.upstream.asked))
    site.stage.agree()


async def test_messages_are_shown_as_they_come(site: Place) -> None:
    terminal = Terminal()
    async with watching(terminal.watcher(site, "analysis:t-1")):
        await agreed(site)
        site.stage.say(("analysis:t-1", {"progress": 10}))
        assert await soon(lambda: terminal.offsets == [1])
    assert "connected as alice" in terminal.remarks


async def test_it_comes_back_with_its_position_and_misses_nothing(site: Place) -> None:
    terminal = Terminal()
    async with watching(terminal.watcher(site, "analysis:t-1")), site.client("alice") as other:
        await agreed(site)
        await other.say({"id": 1, "op": "subscribe", "topics": ["analysis:t-1"]})
        await other.hear()
        site.stage.say(("analysis:t-1", {"progress": 1}))
        assert await soon(lambda: terminal.offsets == [1])
        watched = next(session for session in site.sessions() if session.id != other.fields["x-request-id"])
        watched.abort()
        for progress in (2, 3):
            site.stage.say(("analysis:t-1", {"progress": progress}))
        assert await soon(lambda: terminal.offsets == [1, 2, 3])
        site.stage.say(("analysis:t-1", {"progress": 4}))
        assert await soon(lambda: terminal.offsets == [1, 2, 3, 4])
    assert "the connection is lost" in terminal.remarks


async def test_it_says_so_when_something_is_lost(site: Place) -> None:
    terminal = Terminal()
    watcher = terminal.watcher(site, "quotes:1")
    watcher.positions["quotes:1"] = ("an older epoch", 7)
    async with watching(watcher):
        await agreed(site)
        assert await soon(lambda: any("cannot be had any more" in remark for remark in terminal.remarks))


async def test_it_ends_when_its_topics_are_complete(site: Place) -> None:
    terminal = Terminal()
    tasks: set[asyncio.Task[Any]] = set()
    task = spawn(terminal.watcher(site, "analysis:t-1").run(), name="watch", owner=tasks)
    await agreed(site)
    site.stage.say(("analysis:t-1", {"progress": 100}), is_last=True)
    async with asyncio.timeout(5):
        await task
    assert terminal.remarks[-1] == "analysis:t-1: complete"


async def test_it_goes_on_after_a_restart_when_it_was_told_to_come_back(site: Place) -> None:
    terminal = Terminal()
    async with watching(terminal.watcher(site, "quotes:1")):
        await agreed(site)
        for session in site.sessions():
            session.close(1012, "restart")
        assert await soon(lambda: terminal.remarks.count("connected as alice") == 2)


@pytest.mark.parametrize("topic", ["nothing:1", "notifications:bob"])
async def test_a_refused_topic_ends_it(site: Place, topic: str) -> None:
    with pytest.raises(WatchError, match=topic):
        await Terminal().watcher(site, topic).run()


async def test_a_bad_token_ends_it(site: Place) -> None:
    with pytest.raises(WatchError, match="401"):
        await Terminal().watcher(site, "quotes:1", token="nonsense").run()


def test_a_line_has_the_topic_the_offset_and_the_data() -> None:
    said = {"type": "message", "topic": "quotes:1", "offset": 5, "ts": 0, "data": {"price": 1.5, "code": "1"}}
    assert line(said, is_raw=False).endswith("  quotes:1  #5  price=1.5  code=1")
    assert '"offset":5' in line(said, is_raw=True)


def test_a_token_is_needed() -> None:
    result = CliRunner().invoke(main, ["watch", "quotes:1"], env={"CROSSFADE_TOKEN": ""})
    assert result.exit_code == 2
