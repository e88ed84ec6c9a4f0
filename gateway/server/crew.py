"""Those who serve traffic, as the control plane sees them: the process itself, or several worker processes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.callers.keys import KeyServers
from gateway.callers.revocation import Revocations
from gateway.config.live import Live
from gateway.observability.delta import Delta
from gateway.server.configuration import Loaded
from gateway.server.message import Report

type Take = Callable[[Delta], None]
"""Who adds up what the workers count."""


class State(StrEnum):
    """What one worker is about. AWAITED: the last one has died and there is no new one yet."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    AWAITED = "awaited"


@dataclass(frozen=True, slots=True)
class Member:
    """One worker at one moment. `pid`, `revision` and `report` are None while there is nothing to say.

    `restarts` counts the workers that have died in this place.
    """

    state: State
    pid: int | None
    revision: int | None
    restarts: int
    report: Report | None


class Crew(Protocol):
    """Whoever serves. Every worker applies rules whole, between two requests."""

    @property
    def revocations(self) -> Revocations:
        """Those of the process that the admin listener runs in."""
        ...

    @property
    def keys(self) -> KeyServers:
        """Who fetches published keys, for everybody."""
        ...

    @property
    def port(self) -> int:
        """The public port."""
        ...

    @property
    def is_draining(self) -> bool:
        """Whether it only finishes what is open."""
        ...

    @property
    def in_reserve(self) -> int:
        """How many more could serve at once if one died."""
        ...

    def members(self) -> Sequence[Member]:
        """Return every worker, each with its last report."""
        ...

    async def start(self, loaded: Loaded) -> None:
        """Serve by these rules; raises OSError when that cannot be, ssl.SSLError for a bad certificate."""
        ...

    async def apply(self, loaded: Loaded) -> list[str]:
        """Replace the rules everywhere; return what those say who could not."""
        ...

    async def turn(self, live: Live) -> list[str]:
        """Replace the live values everywhere; return what those say who could not."""
        ...

    async def refresh(self) -> None:
        """Have everybody report now. Who does not answer soon keeps the last report."""
        ...

    async def drain(self) -> None:
        """Take nothing new and wait for what is open, at most `server.drain` seconds."""
        ...

    async def close(self) -> None:
        """End at once; may be called again, and without a start."""
        ...
