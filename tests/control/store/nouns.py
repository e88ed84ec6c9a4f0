"""Events and rows to put into stores."""

from typing import Any

from gateway.control.event import Event, Verb
from gateway.control.store.port import Sample
from gateway.control.usage import Usage

DAY = 20_800
SECONDS = 86_400


def event(number: int, migration: str = "watchlist", **change: Any) -> Event:
    """Return an event; `change` replaces its fields."""
    fields: dict[str, Any] = {
        "at": 1_800_000_000.25 + number,
        "verb": Verb.SET,
        "who": "operator:ops",
        "why": "Jürgen said: 升级",
        "before": {"percent": number - 1},
        "after": {"percent": number, "$odd.key": [1.5, None, {"a": "b"}]},
        "fence": None,
    }
    return Event(number=number, migration=migration, **{**fields, **change})


def usage(consumer: str = "acme", day: int = DAY, requests: int = 1, failures: int = 0, **change: Any) -> Usage:
    """Return a row; `change` replaces its other fields."""
    fields: dict[str, Any] = {
        "migration": "watchlist",
        "endpoint": "GET /api/favorites",
        "side": "legacy",
        "profile": f'{{"claim:sub":"{consumer}"}}',
        "first": day * SECONDS + 60.0,
        "last": day * SECONDS + 3600.0,
    }
    return Usage(day=day, consumer=consumer, requests=requests, failures=failures, **{**fields, **change})


def sample(at: float, migration: str = "watchlist") -> Sample:
    """Return a sample."""
    return Sample(at, migration, "GET /api/favorites", ["data[0].name"], {"data[0].name": ["a", None]})
