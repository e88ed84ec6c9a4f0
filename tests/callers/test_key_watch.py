"""One key server, followed for several processes: who is told what, and that nobody has it asked for nothing."""

import asyncio
from collections.abc import Iterator
from itertools import count

from gateway.callers.key_news import Fetched, Want
from gateway.callers.key_watch import FetchError, KeyWatch
from gateway.callers.keys import KeyServers
from gateway.config.issuer import AuthPolicy, KeyServer
from gateway.core.clock import SystemClock
from gateway.core.tasks import spawn
from tests.support.key_server import published
from tests.support.soon import soon

URL = "http://keys.test/"
SETTINGS = KeyServer(URL, refresh=3600, cooldown=0.01)


class Server:
    """A key server without a wire. `asked` counts; `gate` holds answers back."""

    def __init__(self, raw: bytes | None) -> None:
        self.raw = raw
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, _url: str) -> bytes:
        self.asked += 1
        await self.gate.wait()
        if self.raw is None:
            raise FetchError("away")
        return self.raw


class Watched:
    """A watch on that server, followed for the length of a block, with what it has published."""

    def __init__(self, server: Server) -> None:
        self.news: list[Fetched] = []
        numbers: Iterator[int] = count(1)
        self.watch = KeyWatch(SETTINGS, server.fetch, self.news.append, SystemClock(), numbers)

    async def __aenter__(self) -> "Watched":
        self._task = spawn(self.watch.follow(), name="follow", owner=set())
        await self.watch.tried.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_who_has_missed_the_last_answer_is_told_without_another_fetch() -> None:
    server = Server(published("a"))
    async with Watched(server) as watched:
        assert watched.watch.want(Want(URL, 0)) == watched.news[0]
        assert server.asked == 1


async def test_all_who_ask_during_a_fetch_are_told_by_that_one() -> None:
    server = Server(published("a"))
    async with Watched(server) as watched:
        server.gate.clear()
        assert [watched.watch.want(Want(URL, 1)) for _ in range(3)] == [None] * 3
        assert await soon(lambda: server.asked == 2)
        assert watched.watch.want(Want(URL, 1)) is None
        server.gate.set()
        assert await soon(lambda: len(watched.news) == 2)
        # It crossed with the news: it is for what has been told by now.
        assert watched.watch.want(Want(URL, 1)) == watched.news[1]
        await asyncio.sleep(0.05)
        assert server.asked == 2


async def test_a_failed_attempt_is_published_with_the_last_good_answer() -> None:
    raw = published("a")
    server = Server(raw)
    async with Watched(server) as watched:
        server.raw = None
        watched.watch.want(Want(URL, 1))
        assert await soon(lambda: len(watched.news) >= 2)
        assert (watched.news[1].raw, watched.news[1].is_good, watched.watch.is_up) == (raw, False, False)


async def test_who_asks_for_a_server_that_is_followed_no_more_is_answered() -> None:
    told: list[Fetched] = []
    servers = KeyServers(AuthPolicy((), leeway=0, forward={}), lambda _news: None, SystemClock())
    servers.hear(Want(URL, 3), told.append)
    assert [(one.url, one.raw, one.is_good) for one in told] == [(URL, None, False)]
