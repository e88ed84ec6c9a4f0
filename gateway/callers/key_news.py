"""What the one process that fetches published keys and those that verify tokens with them say to each other.

Where both are the same process it is said by a call, else through the pipe.
"""

from dataclasses import dataclass

from gateway.config.issuer import AuthPolicy, KeyServer


@dataclass(frozen=True, slots=True)
class Fetched:
    """How things stand after one attempt to fetch.

    `number` rises with every attempt, at whatever server; `started` is when this one began, on the monotonic clock,
    which is the same for all processes of a machine. `raw` is the last good answer, None where there is none; it
    travels as it came, because key objects cannot.
    """

    url: str
    number: int
    started: float
    raw: bytes | None
    is_good: bool


@dataclass(frozen=True, slots=True)
class Want:
    """Somebody waits for a key that was not in the last answer; `seen` is that one's number, 0 for none."""

    url: str
    seen: int


def servers(policy: AuthPolicy) -> dict[str, KeyServer]:
    """Return the servers by URL; where issuers share one, the more eager settings hold."""
    found: dict[str, KeyServer] = {}
    for issuer in policy.issuers:
        if issuer.jwks is not None:
            other = found.get(issuer.jwks.url, issuer.jwks)
            refresh, cooldown = min(other.refresh, issuer.jwks.refresh), min(other.cooldown, issuer.jwks.cooldown)
            found[issuer.jwks.url] = KeyServer(issuer.jwks.url, refresh, cooldown)
    return found
