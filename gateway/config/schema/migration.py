"""`migrations` and `routes`: which paths there are, who serves them, and when the legacy ones end."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gateway.config.schema.auth import Mode, Require, When
from gateway.config.schema.scalars import (
    Boolean,
    Date,
    Duration,
    EndpointCall,
    FieldPattern,
    FilledText,
    IdentityText,
    Name,
    Percent,
    Positive,
    Ratio,
    RelativeDate,
    RouteMatch,
    WebUrl,
    boolean,
)
from gateway.config.schema.strict import OneOrMany, Strict

Identities = Annotated[tuple[IdentityText, ...], OneOrMany()]


class Route(Strict):
    """A path that is not migrated: policy and forwarding only. `upgrade` tunnels other protocols, WebSockets too.

    Each request takes `cost` of every quota. `serve: hub` answers a GET from the hub's newest message where there is
    one of the last `fresh` seconds.
    """

    name: Name
    match: RouteMatch
    upstream: Name
    auth: Mode = "required"
    require: Require | None = None
    quotas: tuple[Name, ...] = ()
    cost: Positive = 1
    upgrade: Boolean = False
    serve: Literal["hub"] | None = None
    fresh: Duration = 5.0


class Brownout(Strict):
    """A planned window of `duration` seconds in which a deprecated endpoint answers as if it were gone."""

    at: RelativeDate
    duration: Duration = Field(alias="for")


class OwnDates(Strict):
    """An endpoint's exceptions from its migration's calendar: keys set here, to null too, replace those there."""

    announced: Date | None = None
    deprecated: RelativeDate | None = None
    gone: RelativeDate | None = None
    removed: RelativeDate | None = None
    docs: WebUrl | None = None
    policy: WebUrl | None = None
    brownouts: tuple[Brownout, ...] | None = None


class Endpoint(Strict):
    """One legacy call and its successor. `auth`, `require`, `quotas` and `deprecation` override the migration's.

    Each request takes `cost` of every quota. `serve: hub` answers a GET from the hub's newest message where there is
    one of the last `fresh` seconds.
    """

    legacy: EndpointCall
    successor: EndpointCall
    adapt: Name | None = None
    auth: Mode | None = None
    require: Require | None = None
    quotas: tuple[Name, ...] | None = None
    cost: Positive = 1
    serve: Literal["hub"] | None = None
    fresh: Duration = 5.0
    deprecation: OwnDates | None = None


class Pin(When):
    """Puts whoever meets the condition on one side, whatever the percent."""

    to: Literal["legacy", "successor"]


class Shadow(Strict):
    """How many requests are copied to the other side, and which fields of the answers may differ.

    `redact`: values that differ are kept by their kind and length only.
    """

    percent: Percent = 0.0
    ignore: tuple[FieldPattern, ...] = ()
    redact: Boolean = True


class Fallback(Strict):
    """Whether legacy answers where the successor fails, also written as `true` or `false`.

    For at most `budget` percent of the successor's calls, and for `concurrency` of them at once in each worker; null
    stands for half of legacy's `max_connections`.
    """

    enabled: Boolean = True
    budget: Percent = 100.0
    concurrency: Positive | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_truth(cls, value: Any) -> Any:
        return value if isinstance(value, Mapping) else {"enabled": boolean(value)}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "boolean"}, handler.resolve_ref_schema(handler(core))]}


class Gates(Strict):
    """Thresholds of a step's judgement, in percent, seconds or as a factor; null switches a gate off."""

    error_rate: Percent | None = 2.0
    error_gap: Percent | None = 1.0
    p95: Duration | None = 1.0
    p95_ratio: Ratio | None = 1.5
    mismatch: Percent | None = 1.0
    min_requests: Positive = 200


class Ramp(Strict):
    """The plan of rising percents, and how each step is judged. Times are seconds."""

    steps: tuple[Percent, ...] = Field(min_length=1)
    bake: Duration = 3600.0
    interval: Duration = 10.0
    gates: Gates = Gates()
    on_fail: Literal["observe", "hold", "step_down", "rollback"] = "step_down"


class Rollout(Strict):
    """The split: which share of the legacy calls the successor serves, and whose.

    The command line asks before a jump of more than `confirm` percent points.
    """

    percent: Percent = 0.0
    confirm: Percent = 10.0
    by: Identities = Field(default=("claim:sub", "cookie:cid", "ip"), min_length=1)
    salt: FilledText = "crossfade"
    pins: tuple[Pin, ...] = ()
    fallback: Fallback = Fallback(enabled=False)
    shadow: Shadow = Shadow()
    ramp: Ramp | None = None


class Extension(Strict):
    """A named consumer's later end."""

    consumer: FilledText
    until: RelativeDate
    reason: FilledText | None = None


class Deprecation(Strict):
    """The calendar of the legacy side's end."""

    announced: Date | None = None
    deprecated: RelativeDate | None = None
    gone: RelativeDate | None = None
    removed: RelativeDate | None = None
    docs: WebUrl | None = None
    policy: WebUrl | None = None
    brownouts: tuple[Brownout, ...] = ()
    extensions: tuple[Extension, ...] = ()
    rehearsal: Boolean = False


class Lint(Strict):
    """What `check` is not to speak about: names of its rules."""

    allow: tuple[FilledText, ...] = ()


def own_calendar(common: Deprecation | None, own: OwnDates) -> Deprecation:
    """Return an endpoint's calendar: its own dates, and the migration's for the rest."""
    exceptions = {name: getattr(own, name) for name in own.model_fields_set}
    if "brownouts" in exceptions:
        exceptions["brownouts"] = own.brownouts or ()
    return (common or Deprecation()).model_copy(update=exceptions)


class Migration(Strict):
    """One API area on its way from one upstream to another."""

    title: FilledText | None = None
    legacy: Name
    successor: Name
    auth: Mode = "required"
    require: Require | None = None
    quotas: tuple[Name, ...] = ()
    endpoints: tuple[Endpoint, ...] = Field(min_length=1)
    rollout: Rollout = Rollout()
    deprecation: Deprecation | None = None
    lint: Lint = Lint()
