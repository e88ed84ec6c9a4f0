"""Polling relief: a GET that the hub's newest message answers, so that the backend is not asked again."""

import math
from dataclasses import dataclass

import orjson

from gateway.config.snapshot import Endpoint, HubTopic, Route
from gateway.config.translation import Adapter
from gateway.core.clock import Clock
from gateway.policy.adapt import AdaptError, adapt_answer
from gateway.policy.route import canonical
from gateway.realtime.hub import Hub
from gateway.realtime.shape import to_answer
from gateway.realtime.topic import State

OK = 200


@dataclass(frozen=True, slots=True)
class Newest:
    """An answer's body, how old it is in whole seconds, and the upstream that its message came from."""

    body: bytes
    age: int
    upstream: str


class Relief:
    """Answers from topics that are live and said something a moment ago. It never asks anybody."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Relief of {self._hub!r}>"

    def answer(self, target: Endpoint | Route, relief: HubTopic, path: str) -> Newest | None:
        """Return the answer to a path, in the shape its clients know; None when the backend has to be asked."""
        topic = self._hub.find(relief.of(canonical(path)))
        newest = topic.history.newest if topic is not None and topic.state is State.LIVE else None
        if topic is None or newest is None:
            return None
        age = self._clock.monotonic() - newest.at
        if age > relief.fresh:
            return None
        document = {"success": True, "data": to_answer(orjson.loads(newest.data)), "meta": {"source": "hub"}}
        body = orjson.dumps(document)
        adapter: Adapter | None = target.adapter if isinstance(target, Endpoint) else None
        try:
            body = adapt_answer(adapter, OK, body) if adapter is not None else body
        except AdaptError:
            return None
        return Newest(body, math.floor(age), topic.source.name)
