"""What the policy answers with: forward, refuse, or serve here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.config.snapshot import Adapter, Endpoint, Route, Side
from gateway.core.errors import Problem
from gateway.core.http import Fields

type Claims = Mapping[str, Any]
"""The verified payload of a token."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as the policy could find out. `consumer` is None when no configured identity is present."""

    ip: str
    claims: Claims | None = None
    consumer: str | None = None


@dataclass(frozen=True, slots=True)
class Local:
    """One of the gateway's own paths: `health`, or `api-migrations`."""

    name: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The gateway answers itself with a problem; `headers` are the answer's own besides the problem's standard ones.

    `target` is None while the request has not matched anything; `reason` is a short word for metrics and logs.
    """

    problem: Problem
    reason: str
    target: Endpoint | Route | None = None
    caller: Caller | None = None
    headers: Fields = ()


@dataclass(frozen=True, slots=True)
class Forward:
    """The request goes to `upstream` as `method target`.

    `drop` are lower-case names of fields that must not reach the upstream, nor may those with `_` for `-`; `add` are
    fields that are set instead.
    `answer_headers` replace the upstream's fields of the same name, except that a `Link` is added to its own.
    `side` is None for a plain route. `phase` is the deprecation phase's name, or None without a deprecation.
    """

    target: Endpoint | Route
    upstream: str
    method: str
    path: str
    query: str
    caller: Caller
    side: Side | None = None
    phase: str | None = None
    adapter: Adapter | None = None
    drop: frozenset[str] = frozenset()
    add: Fields = ()
    answer_headers: Fields = ()
    reason: str = ""


type Decision = Forward | Refuse | Local
