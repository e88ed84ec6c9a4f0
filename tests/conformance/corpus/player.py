"""Plays cases against a proxy that forwards every path to a recorder: one case at a time, canaries after each.

The canaries are innocent requests on fresh connections, so that a poisoned pooled connection (the answer of another
request, or a request with somebody's bytes in front) is seen too. Several players may run at once, each with a proxy
and a recorder of its own. Loopback only, and every wait has a limit.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.conformance.corpus.case import Case
from tests.conformance.corpus.client import canary, parse_answers, talk
from tests.conformance.corpus.judge import Seen, Verdict, judge
from tests.conformance.corpus.recorder import Recorder
from tests.conformance.corpus.strict import MILD, Request

WARM_UP = b"GET /warm HTTP/1.1\r\nHost: t.example\r\n\r\n"


class NotThereError(Exception):
    """The proxy does not forward an ordinary request; the message is what came instead."""


@asynccontextmanager
async def recording(port: int = 0) -> AsyncIterator[tuple[Recorder, int]]:
    """Run a recorder for the length of a block, on a port of its own unless one is given."""
    recorder = Recorder()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(recorder.connection, "127.0.0.1", port, backlog=256)
    try:
        yield recorder, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for link in recorder.connections.values():
            link.transport.abort()


class Player:
    """Owns the order of cases against one proxy."""

    def __init__(self, recorder: Recorder, port: int) -> None:
        self._recorder = recorder
        self._port = port
        self._played = 0

    async def play(self, cases: list[Case]) -> list[Verdict]:
        """Play all cases; raises NotThereError when the proxy does not forward at all."""
        warm = await talk(self._port, [WARM_UP], [b"GET"], 1, 0.35, self._recorder)
        if b"200" not in warm.data[:20]:
            raise NotThereError(f"{warm.data[:200]!r} {warm.error}")
        return [await self._play(case) for case in cases]

    async def _play(self, case: Case) -> Verdict:
        recorder = self._recorder
        if case.script is not None:
            recorder.scripts[case.name] = case.script
        mark = len(recorder.requests)
        spoken = await talk(self._port, case.segments, case.methods, case.wanted, case.quiet, recorder)
        await recorder.settled()
        upstream = recorder.requests[mark:]
        await asyncio.sleep(0.05)
        suspects = recorder.residue()
        seen = Seen(spoken, upstream, await self._poison(), [])
        seen.residue = [(key, data) for key, data in suspects if self._is_stuck(key)]
        recorder.forget_closed()
        for key, _ in seen.residue:  # do not let one case spoil the next
            if key in recorder.connections:
                recorder.connections[key].transport.abort()
        return judge(case, seen)

    async def _poison(self) -> list[str]:
        """Send two canaries; returns what is wrong with them."""
        recorder, poison = self._recorder, []
        mark = len(recorder.requests)
        for number in range(2):
            tag = f"/canary-{self._played}-{number}".encode()
            data = await canary(self._port, b"GET %s HTTP/1.1\r\nHost: t.example\r\n\r\n" % tag)
            answers = parse_answers(data, [b"GET"])
            if not answers or answers[0].status != 200 or tag not in answers[0].body:
                poison.append(f"canary{number}:{(answers[0].status, answers[0].body[:60]) if answers else data[:60]}")
        self._played += 1
        await recorder.settled(0.03, 0.3)
        dirty = [request for request in recorder.requests[mark:] if not _is_clean_canary(request)]
        return poison + [f"upstream-saw:{request.raw[:80]!r}" for request in dirty]

    def _is_stuck(self, key: int) -> bool:
        link = self._recorder.connections[key]
        return link.is_open and bool(link.buffer)


def _is_clean_canary(request: Request) -> bool:
    return b"/canary-" in request.target and all(finding in MILD for finding in request.lint)
