"""Revoked tokens, known to this process and shared with every other one.

A revocation holds here at once. With Redis it is pushed to all workers and gateways, and the lists are compared now and
then, so that what somebody missed is caught up; without Redis it is known to this process alone.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from gateway.callers.revocation_share import RedisShare
from gateway.config import schema
from gateway.core.clock import Clock
from gateway.observability.metrics import Gauge
from gateway.policy.auth import TokenCache
from gateway.policy.revocation import Revocation

log = logging.getLogger(__name__)


type Tell = Callable[[Sequence[Revocation]], None]
"""Who is told the news of this process: the workers that it leads."""


class Share(Protocol):
    """Where revocations are shared."""

    @property
    def state(self) -> str:
        """How it is: `up`, `down`, or `none` where there is nobody to share with."""
        ...

    async def start(self) -> None:
        """Get what others know, if that is to be had soon, and keep it up to date."""
        ...

    async def publish(self, one: Revocation) -> bool:
        """Tell everybody; False when that must wait."""
        ...

    async def close(self) -> None:
        """End."""
        ...


class Alone:
    """Shares nothing: a list for this process only."""

    state: Final = "none"

    async def start(self) -> None:
        """There is nobody to ask."""

    async def publish(self, one: Revocation) -> bool:
        """Everybody knows already."""
        return True

    async def close(self) -> None:
        """There is nothing to end."""


def nobody(_news: Sequence[Revocation]) -> None:
    """This process leads no others."""


class Revocations:
    """Owns what is done with revocations: taking them, dropping the tokens they meet, sharing them.

    `keep` is for how many seconds one is remembered where nothing else is said; the leeway of tokens comes on top.
    """

    def __init__(self, tokens: TokenCache, clock: Clock, config: schema.Config, tell: Tell = nobody) -> None:
        self._tokens = tokens
        self._clock = clock
        self._tell = tell
        self._share: Share = Alone()
        if config.redis is not None:
            self._share = RedisShare(config.redis, tokens.revoked, self.take, clock)
        self.apply(config)

    def __repr__(self) -> str:
        return f"<Revocations {self._tokens.revoked!r}, Redis {self._share.state}>"

    @property
    def state(self) -> str:
        """How sharing is: `up`, `down`, or `none` without Redis."""
        return self._share.state

    def apply(self, config: schema.Config) -> None:
        """Follow a changed configuration; another Redis needs a restart."""
        self.keep = config.auth.revocations.keep
        self.leeway = config.auth.jwt.leeway if config.auth.jwt is not None else 0.0

    async def start(self) -> None:
        """Learn what the other processes know, before the first request, and stay in touch."""
        await self._share.start()

    async def close(self) -> None:
        """Leave the others."""
        await self._share.close()

    def listed(self) -> list[Revocation]:
        """Return what is in force, the newest first."""
        now = self._clock.now()
        active = [one for one in self._tokens.revoked if not one.is_withdrawn and one.until > now]
        return sorted(active, key=lambda one: one.at, reverse=True)

    def has_room(self) -> bool:
        """Return whether one more fits: else it would push out another, whose tokens would be good again."""
        self._tokens.revoked.expire(self._clock.now())
        return not self._tokens.revoked.is_full

    async def revoke(self, one: Revocation) -> bool:
        """Refuse tokens from now on; return whether all others know it, too."""
        self.take([one])
        kind, value = one.key
        log.warning("revocation %s by %r of %s %r: %r", one.id, one.by, kind, value, one.reason)
        return await self._share.publish(one)

    async def withdraw(self, number: str, by: str) -> tuple[Revocation, bool] | None:
        """Let the tokens in again; return what was withdrawn and whether all know, or None when nothing has this id."""
        found = self._tokens.revoked.get(number)
        if found is None or found.is_withdrawn:
            return None
        gone = replace(found, is_withdrawn=True)
        self.take([gone])
        log.warning("revocation %s withdrawn by %r", number, by)
        return gone, await self._share.publish(gone)

    def take(self, news: Iterable[Revocation]) -> None:
        """Hold to what others say."""
        now = self._clock.now()
        new = self._tokens.revoked.merge(news, now)
        if new:
            self._tokens.drop_revoked(now)
            self._tell(new)

    def known(self) -> tuple[Revocation, ...]:
        """Return all that another process must know, withdrawn ones included."""
        return tuple(self._tokens.revoked)

    def gauges(self) -> tuple[Gauge, ...]:
        """Return what is read of them when Prometheus scrapes."""
        return (
            Gauge("revocations", "Revocations in force.", (), lambda: [((), len(self.listed()))]),
            Gauge(
                "revocations_shared",
                "Whether revocations reach all gateways: 0 while Redis is away, and without it.",
                (),
                lambda: [((), float(self.state == "up"))],
                min,
            ),
        )

    def status(self) -> Mapping[str, object]:
        """Return how they are, for people."""
        return {"count": len(self.listed()), "redis": self.state}
