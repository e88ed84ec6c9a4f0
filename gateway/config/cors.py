"""Which browsers' pages may call us, compiled to the fields that say so (the Fetch standard, section 3.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.config.schema import Server
from gateway.core.block import Block, render
from gateway.core.http import Fields

ANSWER_FIELDS: Final = frozenset(
    {
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "access-control-allow-methods",
        "access-control-allow-headers",
        "access-control-allow-private-network",
        "access-control-expose-headers",
        "access-control-max-age",
    }
)
"""Answer fields of which the gateway is the only authority once `server.cors` is configured."""

EXPOSED: Final = (
    "RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After",
    "Deprecation", "Sunset", "Link", "WWW-Authenticate", "X-Request-Id",
)  # fmt: skip
"""What a page may read of an answer besides what every page may."""

VARY: Final[Fields] = (("Vary", "Origin"),)
PREFLIGHT_VARY: Final = ("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")


@dataclass(frozen=True, slots=True, eq=False)
class CorsPolicy:
    """The fields of answers and of preflights by the request's origin; `other` and `refused` are for all others.

    An origin is compared to the letter. Without one, or with another one, nothing is allowed, unless `*` is configured.
    """

    answers: Mapping[str | None, Block]
    other: Block
    preflights: Mapping[str, Fields]
    refused: Fields
    max_age: str

    def answer(self, origin: str | None) -> Block:
        """Return the fields of an answer to a request with this `Origin`."""
        return self.answers.get(origin, self.other)

    def preflight(self, origin: str) -> Fields:
        """Return what a preflight's answer says about the origin; empty when it is not allowed."""
        return self.preflights.get(origin, self.refused)


def compile_cors(server: Server) -> CorsPolicy | None:
    """Compile `server.cors`; None without it."""
    spec = server.cors
    if spec is None:
        return None
    exposed = ", ".join(EXPOSED if server.version_header is None else (*EXPOSED, server.version_header))
    max_age = str(int(spec.max_age))
    if "*" in spec.origins:
        anyone = _allow("*", credentials=False)
        return CorsPolicy({}, render((*anyone, ("Access-Control-Expose-Headers", exposed))), {}, anyone, max_age)
    allowed = {origin: _allow(origin, credentials=spec.credentials) for origin in spec.origins}
    answers: dict[str | None, Block] = {
        origin: render((*fields, ("Access-Control-Expose-Headers", exposed), *VARY))
        for origin, fields in allowed.items()
    }
    return CorsPolicy(answers, render(VARY), allowed, (), max_age)


def _allow(origin: str, *, credentials: bool) -> Fields:
    allow = ("Access-Control-Allow-Origin", origin)
    return (allow, ("Access-Control-Allow-Credentials", "true")) if credentials else (allow,)
