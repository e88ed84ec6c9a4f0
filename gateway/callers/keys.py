"""The key servers of all issuers: fetched before anybody needs a key, and again when a token names an unknown one.

While a key server is away its last answer stays in force. A token whose key could not be looked up is neither good nor
bad: its request is answered with 503.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from gateway.callers.inquiry import Answered, Cancel
from gateway.callers.key_set import FetchError, KeySet, Settle
from gateway.config.snapshot import AuthPolicy, KeyServer
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.observability.metrics import Gauge, Reading
from gateway.policy.auth import Settled, TokenCache
from gateway.policy.decide import Memory
from gateway.policy.decision import NeedKeys

MAX_BYTES: Final = 256 << 10
FETCH_SECONDS: Final = 3.0
FIRST_SECONDS: Final = 2.0
"""How long the start waits for the first keys: longer than a server takes that is there."""
FIELDS: Final = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}


class KeyServers:
    """Owns the key sets of the running configuration, the tasks that follow them, and the HTTP client.

    What is fetched goes into `tokens`; requests that need it sooner wait in `ask`. It follows no redirects: where keys
    come from is for the file to say, not for whoever answers there.
    """

    def __init__(self, tokens: TokenCache, policy: AuthPolicy, clock: Clock) -> None:
        self._tokens = tokens
        self._policy = policy
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._sets: dict[str, tuple[KeySet, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<KeyServers {[one for one, _ in self._sets.values()]}>"

    async def start(self) -> None:
        """Fetch all keys; returns when each server was asked once, or some take too long."""
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        self._session = aiohttp.ClientSession(
            auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), headers=FIELDS, timeout=timeout
        )
        self.apply(self._policy)
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_SECONDS):
                for one, _ in self._sets.values():
                    await one.tried.wait()

    def apply(self, policy: AuthPolicy) -> None:
        """Follow a changed configuration. A set whose URL stays keeps its keys; others are forgotten with theirs."""
        self._policy = policy
        wanted = _servers(policy)
        for url in self._sets.keys() - wanted.keys():
            _, task = self._sets.pop(url)
            task.cancel()
            self._tokens.put_keys(url, None)
        for url, settings in wanted.items():
            if url in self._sets:
                self._sets[url][0].settings = settings
            else:
                one = KeySet(settings, self._fetch, self._tokens.put_keys, self._clock)
                self._sets[url] = one, spawn(one.follow(), name=f"follow the keys at {url}", owner=self._tasks)

    async def close(self) -> None:
        """End; who still waits is told that nothing can be known."""
        await cancel_all(self._tasks)
        if self._session is not None:
            await self._session.close()

    def ask(self, need: NeedKeys, memory: Memory, answered: Answered) -> Cancel:
        """Have a key looked for; the answer is a memory that asks for no key any more."""

        def settle(is_answered: bool) -> None:
            answered(replace(memory, tokens=Settled(memory.tokens, is_answered=is_answered)))

        found = self._sets.get(need.url)
        if found is None:
            # A reload has just taken this server away.
            return _soon(settle, False)
        is_answered = found[0].known(need.kid)
        return found[0].wait(need.kid, settle) if is_answered is None else _soon(settle, is_answered)

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
                min,
            ),
            Gauge(
                "jwks_keys",
                "Published keys of an issuer that tokens are verified with.",
                ("issuer",),
                lambda: self._read(lambda one: one.count),
                min,
            ),
        )

    def _read(self, value: Callable[[KeySet], float]) -> Reading:
        for issuer in self._policy.issuers:
            if issuer.jwks is not None and issuer.jwks.url in self._sets:
                yield (issuer.name or urlsplit(issuer.jwks.url).netloc,), value(self._sets[issuer.jwks.url][0])

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


def _soon(settle: Settle, is_answered: bool) -> Cancel:
    return asyncio.get_running_loop().call_soon(settle, is_answered).cancel


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > MAX_BYTES:
            raise FetchError(f"the answer is larger than {MAX_BYTES >> 10} KiB")
    return bytes(body)


def _servers(policy: AuthPolicy) -> dict[str, KeyServer]:
    """Return the servers by URL; where issuers share one, the more eager settings hold."""
    found: dict[str, KeyServer] = {}
    for issuer in policy.issuers:
        if issuer.jwks is not None:
            other = found.get(issuer.jwks.url, issuer.jwks)
            refresh, cooldown = min(other.refresh, issuer.jwks.refresh), min(other.cooldown, issuer.jwks.cooldown)
            found[issuer.jwks.url] = KeyServer(issuer.jwks.url, refresh, cooldown)
    return found
