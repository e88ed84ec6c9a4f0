"""One consumer's total, from the rows of the file. Written so that a hundred thousand of them take a second."""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from gateway.control.store.sqlite.series import COUNT, DAY, SECOND, counts
from gateway.control.usage import Days, Total


class Part(NamedTuple):
    """A row of the file, as far as totals need it."""

    endpoint: str
    side: str
    start: int
    requests: bytes
    failures: bytes
    firsts: bytes
    lasts: bytes


class Window(NamedTuple):
    """The days of a part that are asked for; the last one has requests, so there is one."""

    endpoint: str
    side: str
    start: int
    requests: "array[int]"
    failures: int
    first: float
    last: float


def total(migration: str, consumer: str, parts: Sequence[Part], since_day: int) -> Total:
    """Add up the days since one; each part must have such days."""
    windows = [_window(part, since_day) for part in parts]
    endpoints: dict[str, int] = {}
    requests = {"legacy": 0, "successor": 0, "": 0}
    failures = {"legacy": 0, "successor": 0, "": 0}
    for one in windows:
        count = sum(one.requests)
        endpoints[one.endpoint] = endpoints.get(one.endpoint, 0) + count
        requests[one.side] += count
        failures[one.side] += one.failures
    return Total(
        migration,
        consumer,
        requests["legacy"],
        requests["successor"],
        requests[""],
        failures["legacy"],
        failures["successor"],
        min(one.first for one in windows),
        max(one.last for one in windows),
        endpoints,
        _days(windows),
    )


def _window(part: Part, since_day: int) -> Window:
    skipped = max(0, since_day - part.start)
    start = part.start + skipped
    requests = counts(part.requests)[skipped:]
    failures = sum(counts(part.failures)[skipped:]) if part.failures else 0
    begun = next(at for at, count in enumerate(requests) if count)
    first = array(SECOND, part.firsts)[skipped + begun] + (start + begun) * DAY
    last = array(SECOND, part.lasts)[-1] + (start + len(requests) - 1) * DAY
    return Window(part.endpoint, part.side, start, requests, failures, float(first), float(last))


def _days(windows: Sequence[Window]) -> Days:
    if len(windows) == 1:
        return Days(windows[0].start, windows[0].requests)
    start = min(one.start for one in windows)
    end = max(one.start + len(one.requests) for one in windows)
    summed = array(COUNT, bytes(8 * (end - start)))
    for one in windows:
        for at, count in enumerate(one.requests, one.start - start):
            summed[at] += count
    return Days(start, summed)
