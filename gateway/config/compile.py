"""From the checked Config to the Snapshot: defaults merged, names resolved, everything constant made ready."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gateway.config import schema
from gateway.config.adapters import compile_adapter
from gateway.config.calendar import compile_deprecation
from gateway.config.fallback import FallbackRule
from gateway.config.identity import Condition, Identity, IdentityKind
from gateway.config.issuer import AuthPolicy, Issuer, KeyServer
from gateway.config.keys import load_key
from gateway.config.router import compile_router
from gateway.config.schema import Config
from gateway.config.shadow import ShadowRule
from gateway.config.snapshot import (
    AuthMode,
    Endpoint,
    Migration,
    Pin,
    Quota,
    Requirement,
    Rollout,
    Route,
    Side,
    Snapshot,
)
from gateway.config.stream import relieved, streamed
from gateway.config.translation import Adapter
from gateway.core.http import SAFE_METHODS

type Limits = tuple[tuple[Quota, ...], tuple[Quota, ...]]
"""The quotas that refuse, and those that only watch."""


def compile_snapshot(config: Config, *, revision: int = 1, digest: str = "") -> Snapshot:
    """Compile a config that `load` accepted.

    Reads public keys and imports adapters' functions; should those have changed since the check, it raises
    KeyFaultError or ExpressionError.
    """
    consumer = tuple(map(_identity, config.auth.consumer))
    quotas = {name: _quota(name, spec, consumer) for name, spec in config.quotas.items()}
    adapters = {name: compile_adapter(name, spec) for name, spec in config.adapters.items()}
    migrations = {name: _migration(name, spec) for name, spec in config.migrations.items()}
    endpoints = tuple(
        _endpoint(endpoint, spec, name, quotas, adapters, fallback, shadow, config.realtime)
        for name, spec in config.migrations.items()
        for fallback, shadow in [(FallbackRule.of(spec, config), ShadowRule.of(spec))]
        for endpoint in spec.endpoints
    )
    routes = tuple(_route(spec, quotas, config.realtime) for spec in config.routes)
    endpoints, routes = streamed(endpoints, routes, config.realtime)
    return Snapshot(
        revision=revision,
        digest=digest,
        server=config.server,
        upstreams=config.upstreams,
        router=compile_router(endpoints, routes),
        auth=_auth(config.auth.jwt, consumer),
        intended=migrations,
        migrations=migrations,
        endpoints=endpoints,
        routes=routes,
        adapters=adapters,
        realtime=config.realtime,
    )


def _identity(text: str) -> Identity:
    kind, _, name = text.partition(":")
    return Identity(IdentityKind(kind), name.lower() if kind == IdentityKind.HEADER else name)


def _condition(when: schema.When) -> Condition:
    claims = [(Identity(IdentityKind.CLAIM, name), value) for name, value in when.claim.items()]
    headers = [(Identity(IdentityKind.HEADER, name.lower()), value) for name, value in when.header.items()]
    cookies = [(Identity(IdentityKind.COOKIE, name), value) for name, value in when.cookie.items()]
    return Condition((*claims, *headers, *cookies))


def _requirement(spec: schema.Require | None) -> Requirement | None:
    if spec is None:
        return None
    claims = [(Identity(IdentityKind.CLAIM, name), frozenset(values)) for name, values in spec.claim.items()]
    headers = [(Identity(IdentityKind.HEADER, name.lower()), frozenset(values)) for name, values in spec.header.items()]
    scopes = tuple(frozenset(text.split(" ")) for text in spec.scope)
    return Requirement((*claims, *headers), scopes) if claims or headers or scopes else None


def _quota(name: str, spec: schema.Quota, consumer: tuple[Identity, ...]) -> Quota:
    by: list[Identity] = []
    for text in spec.by:
        by.extend(consumer if text == "consumer" else [_identity(text)])
    quota = Quota(
        name,
        spec.quota,
        spec.window,
        tuple(by),
        when=_condition(spec.when) if spec.when is not None else None,
        is_by_consumer=tuple(by) == consumer,
        is_leased=spec.precision == "leased",
        is_shadow=spec.shadow,
        has_legacy_headers=spec.legacy_headers,
    )
    return replace(quota, tiers=tuple(_tier(quota, tier) for tier in spec.tiers))


def _tier(quota: Quota, spec: schema.Tier) -> Quota:
    return replace(quota, quota=spec.quota, window=spec.window or quota.window, when=_condition(spec.when))


def _limits(names: Iterable[str], cost: int, quotas: Mapping[str, Quota]) -> Limits:
    used = [quotas[name].costing(cost) for name in names]
    enforced = tuple(quota for quota in used if not quota.is_shadow)
    return enforced, tuple(quota for quota in used if quota.is_shadow)


def _migration(name: str, spec: schema.Migration) -> Migration:
    return Migration(
        name=name,
        title=spec.title or name.replace("_", " ").replace("-", " ").capitalize(),
        legacy=spec.legacy,
        successor=spec.successor,
        rollout=_rollout(spec.rollout),
        deprecation=compile_deprecation(spec.deprecation) if spec.deprecation is not None else None,
        exceptions={
            str(endpoint.legacy): compile_deprecation(schema.own_calendar(spec.deprecation, endpoint.deprecation))
            for endpoint in spec.endpoints
            if endpoint.deprecation is not None
        },
    )


def _rollout(spec: schema.Rollout) -> Rollout:
    pins = tuple(Pin(Side(pin.to), _condition(pin)) for pin in spec.pins)
    return Rollout(round(spec.percent * 1000), tuple(map(_identity, spec.by)), spec.salt.encode(), pins)


def _endpoint(
    spec: schema.Endpoint,
    migration: schema.Migration,
    owner: str,
    quotas: Mapping[str, Quota],
    adapters: Mapping[str, Adapter],
    fallback: FallbackRule | None,
    shadow: ShadowRule | None,
    realtime: schema.Realtime | None,
) -> Endpoint:
    enforced, shadows = _limits(migration.quotas if spec.quotas is None else spec.quotas, spec.cost, quotas)
    method = spec.legacy.method or "GET"
    return Endpoint(
        owner=owner,
        method=method,
        template=spec.legacy.template,
        successor_method=spec.successor.method or "GET",
        successor_template=spec.successor.template,
        auth=AuthMode(spec.auth or migration.auth),
        quotas=enforced,
        adapter=adapters[spec.adapt] if spec.adapt is not None else None,
        require=_requirement(migration.require if spec.require is None else spec.require),
        shadows=shadows,
        relief=relieved(spec.legacy.template, spec.serve, spec.fresh, realtime),
        fallback=fallback if method in SAFE_METHODS else None,
        shadow=shadow if method == (spec.successor.method or "GET") == "GET" else None,
        has_own_dates=spec.deprecation is not None,
    )


def _route(spec: schema.Route, quotas: Mapping[str, Quota], realtime: schema.Realtime | None) -> Route:
    enforced, shadows = _limits(spec.quotas, spec.cost, quotas)
    match = spec.match
    return Route(
        name=spec.name,
        method=match.method,
        template=match.template,
        upstream=spec.upstream,
        auth=AuthMode(spec.auth),
        quotas=enforced,
        upgrade=spec.upgrade,
        require=_requirement(spec.require),
        shadows=shadows,
        relief=relieved(match.template, spec.serve, spec.fresh, realtime),
    )


def _auth(spec: schema.Jwt | None, consumer: tuple[Identity, ...]) -> AuthPolicy:
    # Without tokens a client's own copies of the identity headers are still dropped: the upstreams trust them.
    jwt = spec if spec is not None else schema.Jwt()
    specs: list[schema.Jwt | schema.Issuer] = [*jwt.issuers]
    if jwt.keys or jwt.jwks is not None or not specs:
        specs.insert(0, jwt)
    return AuthPolicy(tuple(_issuer(one, jwt.audience) for one in specs), jwt.leeway, jwt.forward, consumer)


def _issuer(spec: schema.Jwt | schema.Issuer, audience: str | None) -> Issuer:
    jwks = spec.jwks
    server = KeyServer(jwks.url, jwks.refresh, min(jwks.cooldown, jwks.refresh)) if jwks is not None else None
    return Issuer(spec.issuer, spec.audience or audience, tuple(map(load_key, spec.keys)), server)
