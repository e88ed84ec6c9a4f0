"""What the file may say: one pydantic model for every mapping of it, all of them immutable."""

from gateway.config.schema.adapter import Adapter, AnswerMap, Expression, RequestMap
from gateway.config.schema.auth import Auth, Issuer, Jwks, Jwt, JwtKey, Quota, Redis, Require, Tier, When
from gateway.config.schema.config import Config, json_schema
from gateway.config.schema.migration import (
    Brownout,
    Deprecation,
    Endpoint,
    Extension,
    Gates,
    Migration,
    Pin,
    Ramp,
    Rollout,
    Route,
    Shadow,
)
from gateway.config.schema.realtime import History, Realtime, RealtimeLimits, Topic
from gateway.config.schema.scalars import Address, Call, Moment
from gateway.config.schema.server import Admin, AdminToken, Cors, Limits, Server, Tls
from gateway.config.schema.upstream import Ejection, Health, Retries, Upstream, UpstreamTls

__all__ = [
    "Adapter",
    "Address",
    "Admin",
    "AdminToken",
    "AnswerMap",
    "Auth",
    "Brownout",
    "Call",
    "Config",
    "Cors",
    "Deprecation",
    "Ejection",
    "Endpoint",
    "Expression",
    "Extension",
    "Gates",
    "Health",
    "History",
    "Issuer",
    "Jwks",
    "Jwt",
    "JwtKey",
    "Limits",
    "Migration",
    "Moment",
    "Pin",
    "Quota",
    "Ramp",
    "Realtime",
    "RealtimeLimits",
    "Redis",
    "RequestMap",
    "Require",
    "Retries",
    "Rollout",
    "Route",
    "Server",
    "Shadow",
    "Tier",
    "Tls",
    "Topic",
    "Upstream",
    "UpstreamTls",
    "When",
    "json_schema",
]
