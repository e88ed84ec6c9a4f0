"""What a data plane does with published keys that another process fetches: crossing messages, silence, lateness."""

from typing import Any

import pytest

from gateway.callers.key_news import Fetched, Want
from gateway.callers.key_set import KeySet
from gateway.config.issuer import Key, KeyServer
from gateway.core.clock import SystemClock
from tests.support.clock import FakeClock
from tests.support.key_server import published
from tests.support.soon import soon

URL = "http://keys.test/"
SETTINGS = KeyServer(URL, refresh=3600, cooldown=0)


class Place:
    """A key set with everything around it noted. `settled` are the answers of those who waited."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.wants: list[Want] = []
        self.put: list[list[str | None]] = []
        self.settled: list[bool] = []
        self.keys = KeySet(SETTINGS, self.wants.append, self._put, self.clock)

    def wait(self, kid: str) -> None:
        self.keys.wait(kid, self.settled.append)

    def _put(self, _url: str, keys: tuple[Key, ...]) -> None:
        self.put.append([key.kid for key in keys])


@pytest.fixture
async def place() -> Any:
    found = Place()
    yield found
    found.keys.close()


async def test_all_who_wait_ask_once(place: Place) -> None:
    for kid in ("a", "a", "b"):
        place.wait(kid)
    assert place.wants == [Want(URL, 0)]


async def test_a_fetch_that_began_too_early_helps_whom_it_helps_and_is_asked_for_again(place: Place) -> None:
    place.clock.advance(10)
    place.wait("a")
    place.wait("b")
    place.keys.take(Fetched(URL, 4, started=9, raw=published("a"), is_good=True))
    assert place.settled == [True]
    assert place.wants == [Want(URL, 0), Want(URL, 4)]
    place.keys.take(Fetched(URL, 5, started=11, raw=published("a"), is_good=True))
    assert place.settled == [True, True]
    assert place.keys.known("b") is True
    assert len(place.wants) == 2


async def test_news_that_come_twice_or_late_change_nothing(place: Place) -> None:
    first = Fetched(URL, 1, started=1, raw=published("a"), is_good=True)
    place.keys.take(Fetched(URL, 2, started=2, raw=published("b"), is_good=True))
    place.wait("c")
    for late in (first, Fetched(URL, 2, started=2, raw=None, is_good=False)):
        place.keys.take(late)
    assert place.put == [["b"]]
    assert place.settled == []


async def test_an_attempt_that_failed_answers_all_and_leaves_the_keys(place: Place) -> None:
    raw = published("a")
    place.keys.take(Fetched(URL, 1, started=0, raw=raw, is_good=True))
    place.wait("b")
    place.keys.take(Fetched(URL, 2, started=0, raw=raw, is_good=False))
    assert place.settled == [False]
    assert place.put == [["a"]]


async def test_the_same_keys_in_another_spelling_are_not_put_again(place: Place) -> None:
    """Putting them would forget every verified token."""
    raw = published("a")
    place.keys.take(Fetched(URL, 1, started=0, raw=raw, is_good=True))
    place.keys.take(Fetched(URL, 2, started=0, raw=raw + b" ", is_good=True))
    assert place.put == [["a"]]


async def test_who_fetches_and_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.callers.key_set.PATIENCE_SECONDS", 0.05)
    wants: list[Want] = []
    settled: list[bool] = []
    keys = KeySet(SETTINGS, wants.append, lambda _url, _keys: None, SystemClock())
    keys.wait("a", settled.append)
    assert await soon(lambda: settled == [False])
    keys.wait("a", settled.append)
    assert wants == [Want(URL, 0), Want(URL, 0)]
    keys.close()
    assert settled == [False, False]
