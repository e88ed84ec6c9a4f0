"""Who signs tokens with which keys, and what is told to the upstreams about their owners."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from gateway.config.identity import Identity, IdentityKind


@dataclass(frozen=True, slots=True)
class Key:
    """One key that may sign tokens, with the only algorithm it is good for. `material` is what PyJWT takes."""

    algorithm: str
    kid: str | None
    material: Any = field(repr=False)

    def __reduce__(self) -> tuple[type["Key"], tuple[str, str | None, Any]]:
        """Keys that were fetched travel to workers; compiled, a frozen dataclass would lose its fields on the way."""
        return Key, (self.algorithm, self.kid, self.material)


@dataclass(frozen=True, slots=True)
class KeyServer:
    """Where an issuer publishes its keys. Fetched every `refresh` seconds; `cooldown` lie between fetches on demand."""

    url: str
    refresh: float
    cooldown: float


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs tokens, by the claim `iss`, for which audience and with which keys; without a name, whoever has one.

    What its `jwks` answers is no part of the snapshot.
    """

    name: str | None
    audience: str | None
    keys: tuple[Key, ...]
    jwks: KeyServer | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AuthPolicy:
    """Which tokens are good and what is told to the upstream about their owner. `leeway` is in seconds.

    `consumer` are the identities of whom calls, with a token or without: the first that is present.
    `forward` maps a claim to the upstream header that carries it; a client's own copy of such a header is dropped.
    `told` is the same as pairs; `own` are claim and label of the consumer's identities that are claims, up to the first
    that is not: what a token tells about its consumer whatever the request.
    """

    issuers: tuple[Issuer, ...]
    leeway: float
    forward: Mapping[str, str]
    consumer: tuple[Identity, ...] = ()
    told: tuple[tuple[str, str], ...] = field(init=False, repr=False)
    own: tuple[tuple[str, str], ...] = field(init=False, repr=False)
    by_name: Mapping[str, Issuer] = field(init=False, repr=False)
    unnamed: Issuer | None = field(init=False, repr=False)
    dropped: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        claims = takewhile(lambda identity: identity.kind is IdentityKind.CLAIM, self.consumer)
        object.__setattr__(self, "own", tuple((claim.name, claim.label) for claim in claims))
        object.__setattr__(self, "told", tuple(self.forward.items()))
        named = {issuer.name: issuer for issuer in self.issuers if issuer.name is not None}
        object.__setattr__(self, "by_name", named)
        object.__setattr__(self, "unnamed", next((one for one in self.issuers if one.name is None), None))
        # Folded as backends behind CGI fold them: X_User_Id must not pass for X-User-Id.
        names = {name.lower().replace("_", "-") for name in self.forward.values()}
        object.__setattr__(self, "dropped", frozenset(names | {"crossfade-rehearse", "crossfade-shadow"}))
