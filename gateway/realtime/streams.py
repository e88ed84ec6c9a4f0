"""All streams of server-sent events in one process: who may have one, and how all of them end."""

from collections import Counter
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs

from gateway.config.schema import Realtime, RealtimeLimits
from gateway.core.clock import Clock
from gateway.core.errors import Problem, ProblemType
from gateway.downstream.connection import ClientConnection
from gateway.policy.decision import Refuse, Stream
from gateway.policy.revocation import RevocationList
from gateway.realtime.hub import Hub
from gateway.realtime.port import Position, Wish
from gateway.realtime.sse import EventStream, position
from gateway.realtime.topic import State
from gateway.realtime.wheel import Wheel
from gateway.wire.request import Request

LAST_ID: Final = "last-event-id"
LAST_ID_PARAMETER: Final = "last_event_id"
RETRY: Final = (("Retry-After", "5"),)


class Streams:
    """Owns the streams and the wheel that keeps them awake. Their topics are the hub's.

    The limits are those of sockets, and are counted apart from them.
    """

    def __init__(self, hub: Hub, realtime: Realtime | None, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._wheel = Wheel(clock)
        self._streams: set[EventStream] = set()
        self._consumers: Counter[str] = Counter()
        self._is_draining = False
        self.apply(realtime)

    def __repr__(self) -> str:
        return f"<Streams: {len(self._streams)}>"

    def __len__(self) -> int:
        return len(self._streams)

    def apply(self, realtime: Realtime | None) -> None:
        """Hold later streams to these limits."""
        self._limits = realtime.limits if realtime is not None else RealtimeLimits()

    def start(self) -> None:
        """Keep time; needs a running loop."""
        self._wheel.start()

    def revoke(self, revoked: RevocationList) -> None:
        """End the streams whose tokens have been revoked."""
        now = self._clock.now()
        for stream in tuple(self._streams):
            if revoked.refuses(stream.token.texts, stream.token.claims, now):
                stream.close(0, "revoked")

    def drain(self) -> None:
        """End every stream: its client comes back after the `retry` it was told, to somebody who stays."""
        self._is_draining = True
        for stream in tuple(self._streams):
            stream.close(0, "draining")

    def close(self) -> None:
        """End every stream and keep time no more."""
        self.drain()
        self._wheel.stop()

    def open(
        self,
        client: ClientConnection,
        request: Request,
        decision: Stream,
        request_id: str,
        answered: Callable[[int], None],
    ) -> Refuse | None:
        """Take the connection over and return None, `answered` hears the status; or say why not."""
        refusal = self._full(decision)
        if refusal is not None:
            return refusal
        given = client.hand_off()
        if given is None:
            answered(499)
            return None
        caller = decision.caller
        stream = EventStream(
            given[0],
            self,
            self._wheel,
            self._clock,
            answered,
            request_id=request_id,
            instance=request.path,
            notices=decision.notices,
            token=caller.token,
            key=caller.key,
        )
        self._streams.add(stream)
        self._consumers[stream.key] += 1
        member = self._hub.join(stream, caller)
        stream.begin(member)
        member.subscribe((Wish(decision.topic, _since(request)),), stream.answer)
        return None

    def _full(self, decision: Stream) -> Refuse | None:
        target, caller = decision.target, decision.caller
        if self._is_draining:
            problem = Problem(ProblemType.SHUTTING_DOWN, "No more streams are opened here.")
            return Refuse(problem, "draining", target, caller, RETRY)
        if len(self._streams) >= self._limits.connections:
            problem = Problem(ProblemType.OVERLOADED, "Too many streams are open.")
            return Refuse(problem, "streams", target, caller, RETRY)
        if self._consumers[caller.key] >= self._limits.connections_per_consumer:
            problem = Problem(ProblemType.QUOTA_EXCEEDED, "Too many streams of one consumer are open.")
            return Refuse(problem, "streams_of_consumer", target, caller, RETRY)
        return None

    def is_complete(self, topic: str) -> bool:
        """Whether nothing more comes in a topic."""
        found = self._hub.find(topic)
        return found is not None and found.state is State.COMPLETE

    def closed(self, stream: EventStream) -> None:
        """Forget a stream."""
        if stream in self._streams:
            self._streams.discard(stream)
            self._consumers[stream.key] -= 1
            if not self._consumers[stream.key]:
                del self._consumers[stream.key]


def _since(request: Request) -> Position | None:
    """Return where the client stood: by the header of a browser that comes back, or the query of one that cannot."""
    header = request.lookup.get(LAST_ID)
    if header is not None:
        return position(header)
    return position(parse_qs(request.query).get(LAST_ID_PARAMETER, [""])[-1])
