"""Who opened the sessions and knows about all of them, as each of them sees it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from gateway.config.schema import RealtimeLimits
from gateway.core.http import RequestHead
from gateway.policy.decision import Caller
from gateway.realtime.identity import Verdict
from gateway.realtime.port import Membership
from gateway.realtime.wheel import Wheel

if TYPE_CHECKING:
    from gateway.realtime.session import Session


class Keeper(Protocol):
    """The door, as a session sees it."""

    wheel: Wheel

    @property
    def limits(self) -> RealtimeLimits:
        """The limits of the running configuration."""

    def admit(self, session: "Session", caller: Caller) -> Membership | None:
        """Count a session for its caller and join it to the hub; None when the caller has too many."""

    def identify(self, head: RequestHead, authorization: str, answer: Callable[[Verdict], None]) -> None:
        """Find out whose a token is; `answer` is called once, now or later."""

    def draw(self) -> float:
        """Return after how many seconds a client should come back: others are told another time."""

    def phase(self) -> float:
        """Return a part of a heartbeat, by chance: not all clients are pinged at once."""

    def heard(self) -> None:
        """Count a message of a client's."""

    def gone(self, session: "Session") -> None:
        """Forget a session: its connection is closed."""
