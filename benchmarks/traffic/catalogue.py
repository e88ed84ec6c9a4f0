"""The paths that are asked for: 200 over all areas of the platform, and without end for unique traffic."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

# Areas as in the reference system; a share for each, so that quotes are asked for more often than settings.
_READS = (
    (60, "/api/stocks/{id}/quote"),
    (30, "/api/stocks/{id}/kline?period=day&limit=120"),
    (25, "/api/stocks/{id}"),
    (25, "/api/news/{id}"),
    (12, "/api/news?page={n}&page_size=20"),
    (15, "/api/queue/tasks/{id}"),
    (12, "/api/analysis/tasks/{id}"),
    (8, "/api/analysis/result/{id}"),
    (2, "/api/analysis/history?page={n}"),
    (2, "/api/stocks?page={n}&page_size=50"),
)
_PLAIN = (
    "/api/favorites",
    "/api/auth/me",
    "/api/queue/stats",
    "/api/queue/tasks",
    "/api/config",
    "/api/config/markets",
)
_WRITES = ("/api/favorites", "/api/queue/submit", "/api/analysis/stock")


@dataclass(frozen=True, slots=True)
class Target:
    """A method and a request target."""

    method: str
    path: str


def _symbol(number: int) -> str:
    return f"{600_000 + number * 7 % 400_000:06d}"


def _reads(first: int) -> Iterator[Target]:
    number = first
    for count, template in _READS:
        for _ in range(count):
            number += 1
            yield Target("GET", template.format(id=_symbol(number), n=number))


def targets() -> list[Target]:
    """Return 200 targets; three of them are POSTs, which `pick` chooses one time in ten."""
    found = [*_reads(0), *(Target("GET", path) for path in _PLAIN), *(Target("POST", path) for path in _WRITES)]
    assert len(found) == 200, len(found)
    return found


def pick(chance: Random, found: list[Target]) -> Target:
    """Choose one: one in ten is a POST."""
    reads = len(found) - len(_WRITES)
    return found[reads + chance.randrange(len(_WRITES))] if chance.random() < 0.1 else found[chance.randrange(reads)]


def unique(number: int) -> Target:
    """Return a target that no other number has."""
    if number % 10 == 9:
        return Target("POST", f"{_WRITES[number % 3]}?once={number}")
    template = _READS[number % len(_READS)][1]
    mark = f"{number:08x}"
    path = template.format(id=mark, n=mark)
    return Target("GET", path)
