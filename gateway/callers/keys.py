"""The key servers of all issuers: fetched before anybody needs a key, and again when a token names an unknown one.

One process fetches for all workers. While a key server is away its last answer stays in force.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from gateway.callers.key_news import Fetched, Want, servers
from gateway.callers.key_watch import FetchError, KeyWatch, Publish
from gateway.config.issuer import AuthPolicy
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.observability.metrics import Gauge, Reading

MAX_BYTES: Final = 256 << 10
FETCH_SECONDS: Final = 3.0
FIRST_SECONDS: Final = 2.0
"""How long the start waits for the first keys: longer than a server takes that is there."""
FIELDS: Final = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}


class KeyServers:
    """Owns the tasks that follow the key servers of the running configuration, and the HTTP client.

    What is fetched is published to those who verify tokens. It follows no redirects: where keys come from is for the
    file to say, not for whoever answers there.
    """

    def __init__(self, policy: AuthPolicy, publish: Publish, clock: Clock) -> None:
        self._policy = policy
        self._publish = publish
        self._clock = clock
        self._numbers = count(1)
        self._session: aiohttp.ClientSession | None = None
        self._watched: dict[str, tuple[KeyWatch, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<KeyServers {[one for one, _ in self._watched.values()]}>"

    async def start(self) -> None:
        """Fetch all keys; returns when each server was asked once, or some take too long."""
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        self._session = aiohttp.ClientSession(
            auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), headers=FIELDS, timeout=timeout
        )
        self.apply(self._policy)
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_SECONDS):
                for one, _ in self._watched.values():
                    await one.tried.wait()

    def apply(self, policy: AuthPolicy) -> None:
        """Follow a changed configuration; a server that stays in it is not asked again for that."""
        self._policy = policy
        wanted = servers(policy)
        for url in self._watched.keys() - wanted.keys():
            _, task = self._watched.pop(url)
            task.cancel()
        for url, settings in wanted.items():
            if url in self._watched:
                self._watched[url][0].settings = settings
            else:
                one = KeyWatch(settings, self._fetch, self._publish, self._clock, self._numbers)
                self._watched[url] = one, spawn(one.follow(), name=f"follow the keys at {url}", owner=self._tasks)

    async def close(self) -> None:
        """End."""
        await cancel_all(self._tasks)
        if self._session is not None:
            await self._session.close()

    def known(self) -> tuple[Fetched, ...]:
        """Return how things stand, for one who begins now."""
        return tuple(one.last for one, _ in self._watched.values() if one.last is not None)

    def hear(self, want: Want, reply: Publish) -> None:
        """Have newer keys fetched, which is published like all; who has missed the last ones is told by `reply`."""
        found = self._watched.get(want.url)
        if found is None:
            # A reload has just taken this server away; the asker does not know yet.
            reply(Fetched(want.url, next(self._numbers), self._clock.monotonic(), raw=None, is_good=False))
            return
        news = found[0].want(want)
        if news is not None:
            reply(news)

    def gauges(self) -> tuple[Gauge, ...]:
        """Return what is read of them when Prometheus scrapes."""
        return (
            Gauge(
                "jwks_age_seconds",
                "Seconds since an issuer's key server last answered; infinite when it never has.",
                ("issuer",),
                lambda: self._read(lambda one: one.age),
            ),
            Gauge(
                "jwks_up",
                "Whether the last fetch of an issuer's keys succeeded.",
                ("issuer",),
                lambda: self._read(lambda one: float(one.is_up)),
            ),
            Gauge(
                "jwks_keys",
                "Published keys of an issuer that tokens are verified with.",
                ("issuer",),
                lambda: self._read(lambda one: one.count),
            ),
        )

    def _read(self, value: Callable[[KeyWatch], float]) -> Reading:
        for issuer in self._policy.issuers:
            if issuer.jwks is not None and issuer.jwks.url in self._watched:
                yield (issuer.name or urlsplit(issuer.jwks.url).netloc,), value(self._watched[issuer.jwks.url][0])

    async def _fetch(self, url: str) -> bytes:
        """Return what a key server answers; raises FetchError."""
        if self._session is None:
            raise FetchError("the gateway is closing")
        try:
            async with self._session.get(url, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise FetchError(f"the answer is {answer.status}")
                return await _bounded(answer)
        except TimeoutError:
            raise FetchError(f"no answer within {FETCH_SECONDS:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(str(error) or type(error).__name__) from None


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > MAX_BYTES:
            raise FetchError(f"the answer is larger than {MAX_BYTES >> 10} KiB")
    return bytes(body)
