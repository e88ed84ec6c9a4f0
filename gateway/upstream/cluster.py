"""One upstream: its endpoints, its connections and its health checks."""

import asyncio
import logging
from typing import Any, Final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from gateway.config.schema import Upstream
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.upstream.answer import Answer
from gateway.upstream.fault import UpstreamError, UpstreamFault, translate
from gateway.upstream.health import watch
from gateway.upstream.replica import Replica, Rotation
from gateway.upstream.request import Outgoing, Upload
from gateway.upstream.retry import RetryBudget, is_repeatable
from gateway.upstream.slots import Slots

log = logging.getLogger(__name__)

INVENTED: Final = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
"""Fields that aiohttp's client adds when they are missing."""


class Cluster:
    """Owns the connections to one upstream, so that another one that hangs can never starve it.

    It never decides whether to ask, and never changes a request. `start` needs a running loop. A retired cluster takes
    no new requests and closes itself when the last one has ended.
    """

    def __init__(self, name: str, settings: Upstream, clock: Clock) -> None:
        self.name = name
        self.settings = settings
        self.rotation = Rotation(tuple(Replica(origin, settings.ejection, clock) for origin in settings.endpoints))
        self.slots = Slots(settings.max_connections, settings.connect_timeout, name)
        self._budget = RetryBudget(settings.retries.budget)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._quiet = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Cluster {self.name}: {self.slots.active} active, {self.slots.queued} queued, {self.rotation}>"

    def start(self) -> None:
        """Open the pool and begin the health checks."""
        self._session = aiohttp.ClientSession(
            # The bound is ours (Slots): aiohttp's own cannot tell waiting for a place from waiting for the network.
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.settings.connect_timeout),
            skip_auto_headers=INVENTED,
        )
        # aiohttp would repeat PUT and DELETE too; when to repeat is decided in retry.py.
        self._session._retry_connection = False
        if self.settings.health is not None:
            for replica in self.rotation.replicas:
                check = watch(replica, self.settings.health, self._session)
                spawn(check, name=f"health of {self.name} {replica.origin}", owner=self._tasks)

    async def send(self, outgoing: Outgoing) -> Answer:
        """Send a request and return the answer once its head has arrived; raises UpstreamError."""
        await self.slots.acquire()
        try:
            return await self._try(outgoing)
        except BaseException:
            self._release()
            raise

    async def close(self) -> None:
        """Cut every connection and end the health checks."""
        await cancel_all(self._tasks)
        if self._session is not None:
            await self._session.close()

    async def retire(self) -> None:
        """End the health checks, wait for the last exchange, then close."""
        await cancel_all(self._tasks)
        while self.slots.is_busy:
            self._quiet.clear()
            await self._quiet.wait()
        await self.close()
        log.info("upstream %s: connections of the earlier configuration are closed", self.name)

    async def _try(self, outgoing: Outgoing) -> Answer:
        self._budget.note_request()
        order = self.rotation.order()
        tried = 0
        while True:
            replica = order[tried % len(order)]
            try:
                answer = await self._ask(replica, outgoing)
            except UpstreamError as error:
                replica.note_error()
                tried += 1
                if not self._may_repeat(outgoing, error, tried):
                    raise
            else:
                replica.note_success()
                return answer

    def _may_repeat(self, outgoing: Outgoing, error: UpstreamError, tried: int) -> bool:
        return (
            tried <= self.settings.retries.attempts
            and is_repeatable(outgoing.method, error, has_body=outgoing.body is not None)
            and self._budget.take()
        )

    async def _ask(self, replica: Replica, outgoing: Outgoing) -> Answer:
        patience = self.settings.response_timeout
        response = await self._request(replica, outgoing, patience)
        answer = Answer(response, self.name, patience, self._release)
        try:
            answer.check()
        except UpstreamError:
            response.close()
            raise
        return answer

    async def _request(self, replica: Replica, outgoing: Outgoing, patience: float) -> aiohttp.ClientResponse:
        if self._session is None:
            raise UpstreamError(UpstreamFault.UNREACHABLE, f"{self.name} is not started.")
        upload = Upload(outgoing.body) if not isinstance(outgoing.body, bytes | None) else None
        headers = CIMultiDict(outgoing.fields)
        if outgoing.length is not None:
            headers["Content-Length"] = str(outgoing.length)
        url = _url(replica.origin, outgoing)
        try:
            async with asyncio.timeout(patience):
                return await self._session.request(
                    outgoing.method,
                    url,
                    headers=headers,
                    data=upload if upload is not None else outgoing.body,
                    allow_redirects=False,
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if upload is not None and upload.failure is not None:
                raise upload.failure from None
            raise translate(error, self.name) from error

    def _release(self) -> None:
        self.slots.release()
        if not self.slots.is_busy:
            self._quiet.set()


def _url(origin: URL, outgoing: Outgoing) -> URL:
    """Return the URL with path and query exactly as they are: nothing is encoded, decoded or normalised."""
    return URL.build(
        scheme=origin.scheme,
        authority=origin.raw_authority,
        path=outgoing.path,
        query_string=outgoing.query,
        encoded=True,
    )
