"""Load on one key at a steady rate over several gateways, with the moment of every grant."""

import asyncio
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

CONNECTIONS = 8
"""To each gateway."""


@dataclass(slots=True)
class Offered:
    """What came of it. `grants` are sorted moments, `latencies` seconds from when a request was due.

    `asked` tells for a grant's moment when it was asked for.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    grants: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    asked: dict[float, float] = field(default_factory=dict)

    @property
    def blur(self) -> float:
        """How far off the time between the first grant and the last may be, in seconds.

        A grant falls at any moment between asking and hearing of it; what we note is the hearing.
        """
        return sum(moment - self.asked[moment] for moment in (self.grants[0], self.grants[-1]))

    @property
    def errors(self) -> int:
        """Answers that are neither a grant nor a refusal."""
        return self.statuses.total() - self.statuses[200] - self.statuses[429]

    def expected(self, quota: int) -> float:
        """Return what a quota of so many a second grants in the time between the first grant and the last."""
        return quota * (1 + self.grants[-1] - self.grants[0])

    def most_in(self, window: float, *, after: float = 0.0) -> int:
        """Return the most grants of any window that begins so long after the first grant."""
        first = self.grants[0] + after
        begins = range(bisect_left(self.grants, first), len(self.grants))
        return max((bisect_right(self.grants, self.grants[at] + window) - at for at in begins), default=0)

    def percentile(self, share: float) -> float:
        """Return a percentile of the latencies."""
        found = sorted(self.latencies)
        return found[min(len(found) - 1, int(share * len(found)))]


async def offer(ports: Sequence[int], path: str, *, rate: float, seconds: float) -> Offered:
    """Ask for `path` at all gateways in turn; `rate` is of all requests a second together."""
    offered = Offered()
    count = CONNECTIONS * len(ports)
    begin = time.monotonic() + 0.05
    asking = [
        _ask(ports[number % len(ports)], path, offered, begin + number / rate, count / rate, begin + seconds)
        for number in range(count)
    ]
    await asyncio.gather(*asking)
    offered.grants.sort()
    return offered


async def _ask(port: int, path: str, offered: Offered, due: float, pace: float, end: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nHost: gateway\r\nX-Key: alice\r\n\r\n".encode()
    while due < end:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        asked = time.monotonic()
        writer.write(request)
        status = await _status(reader)
        now = time.monotonic()
        offered.statuses[status] += 1
        offered.latencies.append(now - due)
        if status == 200:
            offered.grants.append(now)
            offered.asked[now] = asked
        # Who is late catches up, but not with what he has missed for good.
        due = max(due + pace, now - 0.25)
    writer.close()
    await writer.wait_closed()


async def _status(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = head.partition("content-length:")[2].partition("\r\n")[0]
    if length:
        await reader.readexactly(int(length))
    return int(head.split(" ", 2)[1])
