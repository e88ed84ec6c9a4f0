"""`auth`, `quotas` and `redis`: whose request it is, how many they may make, and where gateways count together."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gateway.config.schema.scalars import (
    Boolean,
    ConditionText,
    Duration,
    DurationOrNone,
    FilledText,
    HeaderName,
    IdentityText,
    Positive,
    Proportion,
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
    """A key set that the issuer publishes, fetched every `refresh` seconds.

    A token that names a key which is not in it has it fetched at once, but never twice within `cooldown` seconds.
    """

    url: WebUrl
    refresh: Duration = 600.0
    cooldown: Duration = 1.0


class Issuer(Strict):
    """One more issuer, by the claim `iss` of its tokens. Its keys verify no other's tokens."""

    issuer: FilledText
    keys: tuple[JwtKey, ...] = ()
    jwks: Jwks | None = None
    audience: FilledText | None = None


class Jwt(Strict):
    """Which tokens are good, and which claims the upstreams are told.

    `audience` also holds for those of `issuers` that have none of their own; `leeway` and `forward` hold for all.
    """

    keys: tuple[JwtKey, ...] = ()
    jwks: Jwks | None = None
    issuer: FilledText | None = None
    audience: FilledText | None = None
    issuers: tuple[Issuer, ...] = ()
    leeway: DurationOrNone = 30.0
    forward: Mapping[FilledText, HeaderName] = {"sub": "X-User-Id", "role": "X-User-Role"}


class Revocations(Strict):
    """For how many seconds a revoked token is remembered where nothing else is said: the longest that one lives."""

    keep: Duration = 7 * 86_400.0


class Auth(Strict):
    """Tokens, and who counts as one consumer: the first of the identities that a request has."""

    jwt: Jwt | None = None
    revocations: Revocations = Revocations()
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


class Tier(Strict):
    """Another quota for whoever meets the condition; without `window` in the same window."""

    when: When
    quota: Positive
    window: Duration | None = None


class Quota(Strict):
    """`quota` requests in `window` seconds for each value of the first identity in `by` that is present.

    The first of the `tiers` whose condition holds counts in place of `quota` and `window`.
    """

    quota: Positive
    window: Duration
    by: Annotated[tuple[QuotaIdentityText, ...], OneOrMany()] = Field(default=("consumer",), min_length=1)
    when: When | None = None
    tiers: tuple[Tier, ...] = ()
    precision: Literal["exact", "leased"] = "exact"
    shadow: Boolean = False
    legacy_headers: Boolean = False


class Redis(Strict):
    """Where gateways share what they count and revoke; may be written as nothing but its URL.

    `timeout` bounds each wait for it. `share` is the part of every quota that one process grants on its own as long as
    it has never seen the others; None means one of `server.workers` parts.
    """

    url: FilledText = Field(repr=False)
    timeout: Duration = 0.05
    share: Proportion | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_url(cls, value: Any) -> Any:
        return {"url": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(core)]}
