"""Events, folded: the last one wins."""

from typing import Any

import pytest

from gateway.config.live import LiveMigration
from gateway.control.event import Event, Verb
from gateway.control.standing import Standing


def _event(number: int, verb: Verb, after: dict[str, Any], migration: str = "watchlist") -> Event:
    return Event(number, 1_800_000_000.0 + number, migration, verb, "operator:ops", "why", {}, after)


def _live(*events: Event) -> LiveMigration | None:
    return Standing().after_all(events).live().migrations.get("watchlist")


def test_nothing_is_live_before_the_first_event() -> None:
    assert Standing().live().migrations == {}
    assert Standing().percent("watchlist") is None


def test_the_last_event_about_a_percent_wins() -> None:
    first, second = _event(1, Verb.FILE, {"percent": 10.0}), _event(2, Verb.SET, {"percent": 25.0})
    standing = Standing().after_all([first, second])
    assert standing.percent("watchlist") == 25.0
    assert standing.live().number == 2
    assert standing.rollouts["watchlist"] == {"percent": 25.0}


def test_migrations_do_not_touch_each_other() -> None:
    standing = Standing().after_all([_event(1, Verb.SET, {"percent": 10}), _event(2, Verb.SET, {"percent": 5}, "news")])
    assert (standing.percent("watchlist"), standing.percent("news")) == (10.0, 5.0)


def test_an_event_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match="event 3 does not follow 1"):
        Standing().after_all([_event(1, Verb.SET, {"percent": 10}), _event(3, Verb.SET, {"percent": 5})])


def test_an_extension_holds_until_it_is_withdrawn() -> None:
    granted = _event(1, Verb.EXTEND, {"consumer": "acme", "until": 1_900_000_000})
    assert _live(granted) == LiveMigration(extensions={"acme": 1_900_000_000.0})
    withdrawn = _event(2, Verb.WITHDRAW, {"consumer": "acme"})
    assert _live(granted, withdrawn) == LiveMigration(withdrawn=frozenset({"acme"}))
    again = _event(3, Verb.EXTEND, {"consumer": "acme", "until": 1_950_000_000})
    assert _live(granted, withdrawn, again) == LiveMigration(extensions={"acme": 1_950_000_000.0})


def test_who_granted_an_extension_is_known() -> None:
    standing = Standing().after(_event(1, Verb.EXTEND, {"consumer": "acme", "until": 1_900_000_000}))
    granted = standing.extensions["watchlist"]["acme"]
    assert (granted.id, granted.who, granted.why) == ("1", "operator:ops", "why")


def test_a_cancelled_brownout_can_be_restored() -> None:
    cancelled = _event(1, Verb.CANCEL, {"start": 1_800_000_000})
    assert _live(cancelled) == LiveMigration(cancelled=frozenset({1_800_000_000.0}))
    assert _live(cancelled, _event(2, Verb.RESTORE, {"start": 1_800_000_000})) == LiveMigration()
