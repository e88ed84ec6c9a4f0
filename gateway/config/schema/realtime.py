"""`realtime`: the WebSocket, its topics, and the legacy streams served from them."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from gateway.config.schema.scalars import Boolean, Duration, FilledText, Name, Path, PlainPath, Positive, Size, Text
from gateway.config.schema.strict import Strict


class Topic(Strict):
    """A family of topics such as `quotes:{symbol}`, how slow readers are served, and who may subscribe.

    `migration` says by its percent which side the messages come from (none: the successor); `legacy` is the path of the
    legacy side's stream (none: the one of `sse`), and `adapt` the adapter between both shapes of a message.
    """

    match: FilledText
    conflate: Boolean = False
    authorize: Literal["none", "upstream", "owner"] = "none"
    migration: Name | None = None
    legacy: Path | None = None
    adapt: Name | None = None


class RealtimeLimits(Strict):
    """Bounds on sockets and what they may hold."""

    connections: Positive = 10_000
    connections_per_consumer: Positive = 20
    subscriptions: Positive = 200
    queue: Positive = 256
    message: Size = 64 << 10
    idle: Duration = 60.0


class History(Strict):
    """How much of a topic is kept for those who come back."""

    messages: Positive = 100
    duration: Duration = Field(default=300.0, alias="for")


class Realtime(Strict):
    """The realtime hub.

    `service_token` is who we are to the upstream (none: a token signed with the HS… secret of `auth.jwt`); `linger` is
    how many seconds a topic stays subscribed there after its last reader.
    """

    path: PlainPath = "/ws"
    upstream: Name
    query_token: Boolean = False
    service_token: Text | None = Field(default=None, repr=False)
    linger: Duration = 10.0
    topics: Mapping[Name, Topic] = {}
    sse: Mapping[Path, FilledText] = {}
    limits: RealtimeLimits = RealtimeLimits()
    history: History = History()
