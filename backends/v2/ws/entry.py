"""Who may subscribe to what, and what a new subscriber is told first.

Tasks belong to users and notifications to their user; a service has no rights of its own to either and names the user
it acts for.
"""

from backends.domain.accounts import Claims
from backends.domain.analysis import Analyses
from backends.domain.clock import Clock
from backends.domain.errors import Fault, FaultKind
from backends.domain.market import Market
from backends.v2.ws.frame import Push, Topic, analysis_state, quote_update

SERVICE_ROLE = "service"


def acting_user(claims: Claims, on_behalf_of: str | None) -> str:
    """The user whose rights count; raises `Fault`."""
    if claims.role == SERVICE_ROLE:
        if on_behalf_of is None:
            raise Fault(FaultKind.INVALID, "a service must name the user it acts for")
        return on_behalf_of
    if on_behalf_of not in {None, claims.sub}:
        raise Fault(FaultKind.FORBIDDEN, "only a service may act for another user")
    return claims.sub


class Entry:
    """Looks up a topic's state with a user's rights: no state without the right, no subscription without a state."""

    def __init__(self, market: Market, analyses: Analyses, clock: Clock) -> None:
        self._market = market
        self._analyses = analyses
        self._clock = clock

    async def state(self, topic: Topic, claims: Claims, on_behalf_of: str | None) -> Push | None:
        """The topic's last push, where it has one; raises `Fault` if the user may not have it or it does not exist."""
        match topic.channel:
            case "quotes":
                return quote_update(await self._market.quote(topic.member), self._clock.now())
            case "analysis":
                user = acting_user(claims, on_behalf_of)
                return analysis_state(await self._analyses.progress(user, topic.member), self._clock.now())
            case "notifications":
                return None
