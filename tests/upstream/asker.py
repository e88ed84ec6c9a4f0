"""What the proxy is to the upstream side: it waits for a connection, asks, and takes what comes."""

import asyncio
from time import monotonic

from gateway.upstream.cluster import Cluster
from gateway.upstream.connection import Connection
from gateway.upstream.fault import UpstreamError, UpstreamFault
from gateway.wire.answer import AnswerHead

GET = b"GET /api/x HTTP/1.1\r\nHost: v1\r\n\r\n"


class Asker:
    """Remembers what it is told; `ready` is set with a connection or its refusal, `done` with the end of the answer."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.done = asyncio.Event()
        self.connection: Connection | None = None
        self.refusal: UpstreamError | None = None
        self.interim: list[int] = []
        self.head: AnswerHead | None = None
        self.body = b""
        self.error: UpstreamError | None = None
        self.is_blocked = False
        self.is_switched = False
        self.has_asked = False
        self.ends = 0

    def on_connection(self, connection: Connection) -> None:
        assert not self.ready.is_set()
        self.connection = connection
        self.ready.set()

    def on_unavailable(self, error: UpstreamError) -> None:
        assert not self.ready.is_set()
        self.refusal = error
        self.ready.set()

    def on_whole(self, head: AnswerHead, body: bytes) -> None:
        self.head = head
        self.body = body
        self._end()

    def on_interim(self, head: AnswerHead) -> None:
        self.interim.append(head.status)

    def on_head(self, head: AnswerHead) -> None:
        self.head = head

    def on_body(self, data: bytes) -> None:
        assert data
        self.body += data

    def on_end(self) -> None:
        self._end()

    def on_switch(self, head: AnswerHead, data: bytes) -> None:
        self.head = head
        self.is_switched = True
        self.body += data

    def on_error(self, error: UpstreamError) -> None:
        self.error = error
        self._end()

    def on_upstream_blocked(self, *, is_blocked: bool) -> None:
        self.is_blocked = is_blocked

    @property
    def status(self) -> int | None:
        """The final answer's status."""
        return self.head.status if self.head is not None else None

    @property
    def fault(self) -> UpstreamFault | None:
        """What went wrong, if something did."""
        found = self.error or self.refusal
        return found.fault if found is not None else None

    @property
    def held(self) -> Connection:
        """The connection it got."""
        assert self.connection is not None
        return self.connection

    def ask(
        self,
        data: bytes = GET,
        *,
        is_complete: bool = True,
        may_switch: bool = False,
        is_expecting: bool = False,
        now: float | None = None,
    ) -> None:
        """Send a request on the connection it got."""
        self.has_asked = True
        begun = monotonic() if now is None else now
        to_head = data.startswith(b"HEAD")
        if is_complete and not (to_head or may_switch or is_expecting):
            self.held.ask(self, data, begun)
            return
        special = {"to_head": to_head, "may_switch": may_switch, "is_expecting": is_expecting}
        self.held.ask_specially(self, data, begun, is_complete=is_complete, **special)

    async def find(self, cluster: Cluster, *, fresh: bool = False) -> None:
        """Get a connection as the proxy does: an idle one at once, or whatever waiting brings."""
        found = None if fresh else cluster.take()
        if found is not None:
            self.on_connection(found)
        else:
            cluster.wait(self, fresh=fresh)
        async with asyncio.timeout(5):
            await self.ready.wait()

    async def finished(self) -> None:
        """Wait for the end of the answer."""
        async with asyncio.timeout(5):
            await self.done.wait()

    def _end(self) -> None:
        self.ends += 1
        assert self.ends == 1, "an exchange ended twice"
        self.done.set()


async def holding(cluster: Cluster) -> Asker:
    """Return an asker with a connection, which has asked for nothing yet."""
    asker = Asker()
    await asker.find(cluster)
    assert asker.fault is None
    return asker


async def answered(cluster: Cluster, data: bytes = GET) -> Asker:
    """Ask once and return what came."""
    asker = await holding(cluster)
    asker.ask(data)
    await asker.finished()
    return asker


async def waiting(cluster: Cluster, count: int, *, fresh: bool = False) -> list[Asker]:
    """Return askers that wait for a connection, all since the same moment."""
    askers = [Asker() for _ in range(count)]
    for asker in askers:
        cluster.wait(asker, fresh=fresh)
    return askers


async def ready(*askers: Asker) -> None:
    """Wait until each has a connection or its refusal."""
    async with asyncio.timeout(5):
        for asker in askers:
            await asker.ready.wait()


def release(asker: Asker) -> None:
    """Give an unused connection back, as after an answer."""
    asker.held.served += 1
    asker.held.home.release(asker.held)
