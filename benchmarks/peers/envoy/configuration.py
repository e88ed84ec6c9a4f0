"""Envoy's configuration with the same policy: jwt_authn with its token cache, local rate limit, weighted clusters."""

from collections.abc import Mapping

_TYPE = "type.googleapis.com/envoy.extensions.filters."
_UNLIMITED = {"max_tokens": 4_000_000_000, "tokens_per_fill": 4_000_000_000, "fill_interval": "1s"}
_ALWAYS = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
_FIELDS = {
    "Deprecation": "@1767225600",
    "Sunset": "Thu, 31 Dec 2026 23:59:59 GMT",
    "Link": '<https://docs.example/v2>; rel="successor-version"',
}

type Json = Mapping[str, object]


def configuration(*, port: int, admin: int, v1: int, v2: int, jwks: str) -> Json:
    """Return the whole bootstrap configuration."""
    return {
        "admin": {"address": _address(admin)},
        "static_resources": {
            "listeners": [_listener(port, jwks)],
            "clusters": [_cluster("v1", v1), _cluster("v2", v2)],
        },
    }


def _address(port: int) -> Json:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listener(port: int, jwks: str) -> Json:
    manager = {
        "@type": f"{_TYPE}network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "hs256",
        "use_remote_address": True,
        "always_set_request_id_in_response": True,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [_route()]}]},
        "http_filters": [_jwt(jwks), _limit(), _router()],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {"name": "hs256", "address": _address(port), "filter_chains": [chain]}


def _jwt(jwks: str) -> Json:
    provider = {
        "issuer": "https://idp.example",
        "audiences": ["quotes-api"],
        "forward": True,
        "local_jwks": {"inline_string": jwks},
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "claim_to_headers": [{"header_name": "x-user-id", "claim_name": "sub"}],
        "clear_route_cache": True,
        "jwt_cache_config": {"jwt_cache_size": 20_000},
    }
    rule = {"match": {"prefix": "/"}, "requires": {"provider_name": "idp"}}
    settings = {"providers": {"idp": provider}, "rules": [rule]}
    return _filter("jwt_authn", "jwt_authn.v3.JwtAuthentication", settings)


def _limit() -> Json:
    settings = {
        "stat_prefix": "quota",
        "token_bucket": _UNLIMITED,
        "filter_enabled": _ALWAYS,
        "filter_enforced": _ALWAYS,
        "max_dynamic_descriptors": 20_000,
        "descriptors": [{"entries": [{"key": "user"}], "token_bucket": _UNLIMITED}],
    }
    return _filter("local_ratelimit", "local_ratelimit.v3.LocalRateLimit", settings)


def _router() -> Json:
    return _filter("router", "router.v3.Router", {})


def _filter(name: str, kind: str, settings: Json) -> Json:
    return {"name": f"envoy.filters.http.{name}", "typed_config": {"@type": f"{_TYPE}http.{kind}", **settings}}


def _route() -> Json:
    clusters = [{"name": "v1", "weight": 75}, {"name": "v2", "weight": 25}]
    by_user = {"request_headers": {"header_name": "x-user-id", "descriptor_key": "user"}}
    return {
        "match": {"prefix": "/"},
        "route": {
            "weighted_clusters": {"clusters": clusters, "use_hash_policy": True},
            "hash_policy": [{"header": {"header_name": "x-user-id"}}],
            "rate_limits": [{"actions": [by_user]}],
        },
        "response_headers_to_add": [{"header": {"key": key, "value": value}} for key, value in _FIELDS.items()],
    }


def _cluster(name: str, port: int) -> Json:
    plenty = {"max_connections": 100_000, "max_requests": 100_000, "max_pending_requests": 100_000}
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name,
        "connect_timeout": "1s",
        "type": "STATIC",
        "circuit_breakers": {"thresholds": [plenty]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
