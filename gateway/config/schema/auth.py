"""`auth` and `quotas`: whose request it is, and how many they may make."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from gateway.config.schema.scalars import (
    ConditionText,
    Duration,
    DurationOrNone,
    FilledText,
    HeaderName,
    IdentityText,
    Positive,
    QuotaIdentityText,
    ScopeText,
    Text,
    WebUrl,
)
from gateway.config.schema.server import FileName
from gateway.config.schema.strict import OneOrMany, Strict

Algorithm = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
Mode = Literal["required", "optional", "none"]


class JwtKey(Strict):
    """One key with the only algorithm it is good for: `secret` for HS…, `public_key` (a PEM file) for the others."""

    alg: Algorithm
    kid: FilledText | None = None
    secret: Text | None = Field(default=None, repr=False)
    public_key: FileName | None = None


class Jwks(Strict):
    """A key set fetched from the issuer."""

    url: WebUrl
    refresh: Duration = 600.0


class Jwt(Strict):
    """Which tokens are good, and which claims the upstreams are told."""

    keys: tuple[JwtKey, ...] = ()
    jwks: Jwks | None = None
    issuer: FilledText | None = None
    audience: FilledText | None = None
    leeway: DurationOrNone = 30.0
    forward: Mapping[FilledText, HeaderName] = {"sub": "X-User-Id", "role": "X-User-Role"}


class Auth(Strict):
    """Tokens, and who counts as one consumer: the first of the identities that a request has."""

    jwt: Jwt | None = None
    consumer: Annotated[tuple[IdentityText, ...], OneOrMany()] = Field(
        default=("claim:client_id", "claim:sub", "ip"), min_length=1
    )


class When(Strict):
    """A condition: every named claim, header and cookie has exactly this value."""

    claim: Mapping[FilledText, ConditionText] = {}
    header: Mapping[HeaderName, ConditionText] = {}
    cookie: Mapping[HeaderName, ConditionText] = {}


Values = Annotated[tuple[ConditionText, ...], Field(min_length=1), OneOrMany()]


class Require(Strict):
    """What a caller must have: every named claim and header has one of these values, and one of the scopes is granted.

    A scope's text may name several, separated by spaces: then all of them are needed. An empty mapping needs nothing.
    """

    claim: Mapping[FilledText, Values] = {}
    header: Mapping[HeaderName, Values] = {}
    scope: Annotated[tuple[ScopeText, ...], OneOrMany()] = ()


class Quota(Strict):
    """`quota` requests in `window` seconds for each value of the first identity in `by` that is present."""

    quota: Positive
    window: Duration
    by: Annotated[tuple[QuotaIdentityText, ...], OneOrMany()] = Field(default=("consumer",), min_length=1)
    when: When | None = None
