"""An upstream that dies in the middle of its answer is seen as a cut, never as a short success."""

import asyncio
from pathlib import Path

from tests.conformance.corpus.strict import Request
from tests.support.child import gateway_process
from tests.support.client import RawClient, connected
from tests.support.echo import Echo, Refusal
from tests.support.gateway import plain
from tests.support.load import load

STARTS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n",
    "between-chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "end": b"HTTP/1.1 200 OK\r\n\r\n",
}
SIZES = {"none": 0, "small": 100, "large": 90_000}


async def _is_seen_as_cut(client: RawClient) -> bool:
    """Whether the client can tell: no answer, a 502, or a framing that was not kept to the end."""
    try:
        async with asyncio.timeout(5):
            answer = await client.answer()
            return answer.status == 502 or not answer.is_complete
    except (asyncio.IncompleteReadError, ConnectionError):
        return True


async def test_a_cut_answer_never_looks_whole(tmp_path: Path) -> None:
    cases = [(start, is_reset, size) for start in STARTS for is_reset in (False, True) for size in SIZES]
    # An answer that ends with its connection is whole when that ends in order; only a reset is a cut.
    cases = [case for case in cases if case[0] != "end" or case[1]]

    def plan(request: Request) -> float | Refusal:
        if not request.target.startswith(b"/api/cut/"):
            return 0.0
        start, is_reset, size = cases[int(request.target.rpartition(b"/")[2])]
        data = b"" if start == "between-chunks" else b"x" * SIZES[size]
        return Refusal(STARTS[start] + data, is_reset=is_reset)

    looked_whole = []
    async with Echo(plan) as v1, gateway_process(tmp_path, plain(v1.origin)) as child:
        async with load(child.public, clients=3) as running:
            for number, case in enumerate(cases):
                async with connected(child.public) as client:
                    await client.send(b"GET /api/cut/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
                    if not await _is_seen_as_cut(client):
                        looked_whole.append(case)
        assert looked_whole == []
        assert running.lost == []
        assert running.seconds
