"""Where WebSockets come in: who may have one, how many there are, and how all of them end."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Final

from gateway.config.schema import RealtimeLimits
from gateway.config.snapshot import Snapshot
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.core.errors import Problem, ProblemType
from gateway.core.http import RequestHead
from gateway.downstream.connection import ClientConnection
from gateway.observability.access_log import AccessLog, Entry
from gateway.observability.metrics import Gauge, Metrics
from gateway.policy.decide import Memory
from gateway.policy.decision import Caller, NeedKeys, Refuse
from gateway.policy.refusal import AuthError, KeysUnavailableError, MissingKeyError
from gateway.policy.revocation import RevocationList
from gateway.realtime import frame
from gateway.realtime.authority import Authority
from gateway.realtime.handshake import RETRY_SECONDS, TACN, Opening, Refusal, Rules, Way, judge
from gateway.realtime.identity import Verdict
from gateway.realtime.port import Dialect, Hub, Membership
from gateway.realtime.saying import HEARTBEAT_SECONDS
from gateway.realtime.session import BAD_TOKEN, TOO_MANY, Session
from gateway.realtime.wheel import Wheel
from gateway.wire.request import Request

log = logging.getLogger(__name__)

RETURNS_A_SECOND: Final = 1000
"""How many clients should come back in one second when all are sent away at once."""
SHORTEST_RETURN_SECONDS: Final = 0.2
LONGEST_RETURN_SECONDS: Final = 30.0
IN: Final = ("in",)


class Door:
    """Owns all sessions of this process. It never reads what they say.

    A connection counts from its handshake until its transport is closed: for the whole against `connections`, and for
    its consumer (before that is known, for its address) against `connections_per_consumer`.
    """

    def __init__(
        self,
        hub: Hub,
        snapshot: Cell[Snapshot],
        authority: Authority,
        metrics: Metrics,
        access_log: AccessLog,
        clock: Clock,
        chance: Random,
    ) -> None:
        self.wheel = Wheel(clock)
        self._hub = hub
        self._snapshot = snapshot
        self._authority = authority
        self._metrics = metrics
        self._access_log = access_log
        self._clock = clock
        self._chance = chance
        self._sessions: set[Session] = set()
        self._consumers: Counter[str] = Counter()
        self._is_draining = False
        self._emptied = asyncio.Event()
        self.apply(snapshot.value)

    def __repr__(self) -> str:
        return f"<Door{' draining' if self._is_draining else ''}: {len(self._sessions)} sessions>"

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._sessions))

    @property
    def limits(self) -> RealtimeLimits:
        """The limits of the running configuration."""
        return self._limits

    @property
    def connections(self) -> int:
        """How many sockets are open."""
        return len(self._sessions)

    def apply(self, snapshot: Snapshot) -> None:
        """Hold later handshakes and messages to these rules; no socket is closed for it."""
        realtime, server = snapshot.realtime, snapshot.server
        self._limits = realtime.limits if realtime is not None else RealtimeLimits()
        self._rules = Rules(
            origins=frozenset(server.cors.origins if server.cors is not None else ()),
            # Where TLS ends in front of us a page of our own host is https, and we are not.
            schemes=("https",) if server.tls is not None else ("http", "https"),
            takes_query_token=realtime is not None and realtime.query_token,
        )

    def start(self) -> None:
        """Keep time; needs a running loop."""
        self.wheel.start()

    # ------------------------------------------------------------------ coming in

    def enter(
        self, client: ClientConnection, request: Request, request_id: str, memory: Memory
    ) -> Refuse | NeedKeys | None:
        """Open a socket and return None; or say why not, or what must be known first."""
        is_old = request.version == b"HTTP/1.0"
        opening = judge(request, request.host, self._rules, is_old=is_old, has_body=request.has_body)
        if isinstance(opening, Refusal):
            return Refuse(opening.problem, opening.reason, headers=opening.fields)
        full = self._full()
        if full is not None:
            return full
        verdict: Verdict | None = None
        if opening.credential is not None:
            try:
                verdict = self._authority.judge(request, opening.credential.authorization, memory)
            except MissingKeyError as missing:
                return NeedKeys(None, missing.url, missing.kid)
            if opening.credential.way is Way.HEADER and not isinstance(verdict, Caller):
                return _refuse(verdict)
        self._open(client, request, request_id, opening, verdict)
        return None

    def _full(self) -> Refuse | None:
        retry = (("Retry-After", RETRY_SECONDS),)
        if self._is_draining:
            return Refuse(
                Problem(ProblemType.SHUTTING_DOWN, "No more sockets are opened here."), "draining", headers=retry
            )
        if len(self._sessions) >= self._limits.connections:
            return Refuse(Problem(ProblemType.OVERLOADED, "Too many sockets are open."), "sockets", headers=retry)
        return None

    def _open(
        self,
        client: ClientConnection,
        request: Request,
        request_id: str,
        opening: Opening,
        verdict: Verdict | None,
    ) -> None:
        given = client.hand_off()
        if given is None:
            return
        transport, ahead = given
        session = Session(transport, self, self._clock, _without_query(request), request_id)
        self._sessions.add(session)
        if opening.protocol is not None:
            session.settle(Dialect.TACN if opening.protocol == TACN else Dialect.CROSSFADE)
        session.begin(opening.answer(request_id))
        if isinstance(verdict, Caller):
            session.admit(verdict)
        elif verdict is not None:
            self._count_failure(verdict)
            session.reject(verdict)
        elif self._takes(session, self._authority.stranger(request)):
            session.wait()
        else:
            session.close(TOO_MANY, "too many connections")
        if ahead:
            session.data_received(ahead)

    # ------------------------------------------------------------------ the sessions' calls

    def admit(self, session: Session, caller: Caller) -> Membership | None:
        """Count a session for its caller and join it to the hub; None when the caller has too many."""
        return self._hub.join(session, caller) if self._takes(session, caller.key) else None

    def identify(self, head: RequestHead, authorization: str, answer: Callable[[Verdict], None]) -> None:
        """Find out whose a token is."""

        def counted(verdict: Verdict) -> None:
            if not isinstance(verdict, Caller):
                self._count_failure(verdict)
            answer(verdict)

        self._authority.identify(head, authorization, counted)

    def draw(self) -> float:
        """Return after how many seconds a client should come back: the more there are, the more they are spread."""
        spread = min(max(1.0, len(self._sessions) / RETURNS_A_SECOND), LONGEST_RETURN_SECONDS)
        return self._chance.uniform(SHORTEST_RETURN_SECONDS, spread)

    def phase(self) -> float:
        """Return a part of a heartbeat."""
        return self._chance.uniform(0.0, HEARTBEAT_SECONDS)

    def heard(self) -> None:
        """Count a message of a client's."""
        self._metrics.ws_messages[IN] += 1

    def gone(self, session: Session) -> None:
        """Forget a session, and write the second of its lines in the access log: the first was its handshake's."""
        self._sessions.discard(session)
        self._release(session.counts_as)
        if not self._sessions:
            self._emptied.set()
        if session.code == frame.OVERLOADED or session.code >= BAD_TOKEN:
            self._metrics.ws_dropped[(str(session.code),)] += 1
        if self._access_log.share and self._access_log.is_due():
            self._access_log.write(self._line(session))

    def _takes(self, session: Session, key: str) -> bool:
        """Count a session for `key` and no other, unless that has as many as it may."""
        before = session.counts_as
        if key != before and self._consumers[key] >= self._limits.connections_per_consumer:
            return False
        self._release(before)
        self._consumers[key] += 1
        session.counts_as = key
        return True

    def _release(self, key: str) -> None:
        self._consumers[key] -= 1
        if self._consumers[key] <= 0:
            del self._consumers[key]

    def _line(self, session: Session) -> Entry:
        return Entry(
            request_id=session.id,
            method="GET",
            path=self._path(),
            status=session.code,
            owner="gateway",
            side="",
            reason=f"ws: {session.reason}",
            consumer=session.caller.consumer if session.caller is not None else None,
            milliseconds=round((self._clock.monotonic() - session.opened) * 1000, 3),
        )

    def _path(self) -> str:
        realtime = self._snapshot.value.realtime
        return realtime.path if realtime is not None else ""

    def _count_failure(self, verdict: AuthError | KeysUnavailableError) -> None:
        if isinstance(verdict, AuthError):
            self._metrics.auth_failures[(verdict.reason,)] += 1

    # ------------------------------------------------------------------ all of them

    def revoke(self, revoked: RevocationList) -> None:
        """Close the sockets whose tokens are refused from now on."""
        now = self._clock.now()
        for session in self:
            token = session.caller.token if session.caller is not None else None
            if token is not None and revoked.refuses(token.texts, token.claims, now):
                session.close(BAD_TOKEN, "the token has been revoked")

    def dismiss(self) -> None:
        """Open no more, and send all clients away, each to come back at a time of its own."""
        self._is_draining = True
        for session in self:
            session.close(frame.RESTART, "restart")

    async def empty(self) -> None:
        """Wait until the last one has gone."""
        while self._sessions:
            self._emptied.clear()
            await self._emptied.wait()

    def close(self) -> None:
        """Cut what is left."""
        self.wheel.stop()
        for session in self:
            session.abort()

    def gauges(self) -> Iterable[Gauge]:
        """Return what is read of them when Prometheus scrapes."""
        return (Gauge("ws_connections", "Open WebSockets.", (), lambda: [((), len(self._sessions))], sum),)


def _refuse(verdict: AuthError | KeysUnavailableError) -> Refuse:
    if isinstance(verdict, KeysUnavailableError):
        problem = Problem(ProblemType.OVERLOADED, "Tokens of this issuer cannot be checked now.")
        return Refuse(problem, "keys_unavailable", headers=(("Retry-After", RETRY_SECONDS),))
    problem = Problem(ProblemType.UNAUTHENTICATED, f"{verdict.description.capitalize()}.")
    return Refuse(problem, verdict.reason, headers=(("WWW-Authenticate", verdict.challenge),))


def _without_query(request: Request) -> RequestHead:
    """Keep what a consumer may be read from, and no token."""
    return RequestHead(request.method, request.path, "", request.peer, request.lookup)
