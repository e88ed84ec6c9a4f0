"""Where requests come in: decided, then answered here, handed off, forwarded, or held until others have answered."""

import logging
from functools import partial
from random import random
from time import monotonic
from typing import Final, Protocol, assert_never

from gateway.config.own_path import SOCKET
from gateway.core.clock import Clock
from gateway.core.http import Fields
from gateway.downstream.connection import ClientConnection
from gateway.downstream.fault import RequestError
from gateway.downstream.handoff import Handoff
from gateway.downstream.serving import Arrival, Serving
from gateway.policy import fallback, shadow
from gateway.policy.cors import PREFLIGHT
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Decision, Forward, Local, NeedCount, NeedKeys, Refuse, Stream
from gateway.proxy.budget import Budgets
from gateway.proxy.exchange import Exchange
from gateway.proxy.failure import problem
from gateway.proxy.fallback import Attempt
from gateway.proxy.from_hub import FromHub
from gateway.proxy.pending import Fulfiller, Pending
from gateway.proxy.record import Record
from gateway.proxy.shadow import ShadowedExchange, Shadows
from gateway.proxy.shared import Shared
from gateway.wire.request import Request

log = logging.getLogger(__name__)

ALLOW: Final[Fields] = (("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),)


class Door(Protocol):
    """Where WebSockets come in."""

    def enter(
        self, client: ClientConnection, request: Request, request_id: str, memory: Memory
    ) -> Refuse | NeedKeys | None:
        """Take the connection over and return None; or say why not, or what must be known first."""


class Proxy:
    """Serves requests. Decides by the snapshot of the moment; owns no connection."""

    def __init__(
        self, shared: Shared, handoff: Handoff, door: Door, from_hub: FromHub, clock: Clock, fulfiller: Fulfiller
    ) -> None:
        self._shared = shared
        self._handoff = handoff
        self._door = door
        self._from_hub = from_hub
        self._clock = clock
        self._fulfiller = fulfiller
        self._budgets = Budgets()
        self._shadows = Shadows(shared, random)

    def __repr__(self) -> str:
        return f"<Proxy {self._shared!r}>"

    def serve_all(self, arrivals: list[Arrival]) -> None:
        """Begin to answer whole requests: first all are decided, then all are acted on, each step for many in a row."""
        shared = self._shared
        snapshot, memory, ids = shared.snapshot.value, shared.memory, shared.ids
        now, started = self._clock.now(), monotonic()
        shared.open += len(arrivals)
        decided: list[tuple[Arrival, Record, Decision]] = []
        for arrival in arrivals:
            request = arrival[1]
            record = Record(ids.keep(request.lookup.get("x-request-id")), started, request)
            try:
                decision = record.decision = decide(request, snapshot, now, memory)
            except Exception:
                log.exception("%s could not be decided", record.request_id)
                self._break_off(arrival[0])
            else:
                decided.append((arrival, record, decision))
        for (client, request, body), record, decision in decided:
            try:
                client.settle(self._act(client, request, record, decision, body, True, memory))
            except Exception:
                log.exception("%s could not be begun", record.request_id)
                self._break_off(client)

    def _break_off(self, client: ClientConnection) -> None:
        """A fault of ours costs the client that meets it its connection, after what was answered before."""
        self._shared.open -= 1
        client.close()

    def serve(self, client: ClientConnection, request: Request, body: bytes, is_complete: bool) -> Serving | None:
        """Begin to answer a request; returns who goes on after this call, if anybody does."""
        shared = self._shared
        record = Record(shared.ids.keep(request.lookup.get("x-request-id")), monotonic(), request)
        shared.open += 1
        return self._serve(client, request, record, body, is_complete, shared.memory)

    def _serve(
        self,
        client: ClientConnection,
        request: Request,
        record: Record,
        body: bytes,
        is_complete: bool,
        memory: Memory,
    ) -> Serving | None:
        try:
            decision = record.decision = decide(request, self._shared.snapshot.value, self._clock.now(), memory)
            return self._act(client, request, record, decision, body, is_complete, memory)
        except Exception:
            log.exception("%s could not be served", record.request_id)
            self._break_off(client)
            return None

    def _act(
        self,
        client: ClientConnection,
        request: Request,
        record: Record,
        decision: Decision,
        body: bytes,
        is_complete: bool,
        memory: Memory,
    ) -> Serving | None:
        """Do what was decided."""
        shared = self._shared
        if isinstance(decision, Forward):
            if not decision.target.is_plain:
                return self._escort(client, request, decision, record, body, is_complete)
            exchange = Exchange(shared, client, request, decision, record)
            exchange.begin(body, is_complete)
            return None if exchange.is_done else exchange
        if isinstance(decision, Stream):
            refused = self._from_hub.stream(client, request, record, decision)
            if refused is None:
                return None
            decision = record.decision = refused
        if isinstance(decision, Local) and decision.name == SOCKET:
            opened = self._door.enter(client, request, record.request_id, memory)
            if opened is None:
                record.status = 101
                shared.finish(record, monotonic())
                return None
            decision = record.decision = opened
        match decision:
            case Refuse():
                self._refuse(client, request, record, decision)
            case Local():
                self._serve_here(client, request, record, decision)
            case NeedKeys() | NeedCount():
                resume = partial(self._serve, client, request, record)
                pending = Pending(shared, client, request, record, resume)
                pending.begin(self._fulfiller, decision, memory, body, is_complete=is_complete)
                return pending
            case _:
                assert_never(decision)
        return None

    def _escort(
        self,
        client: ClientConnection,
        request: Request,
        forward: Forward,
        record: Record,
        body: bytes,
        is_complete: bool,
    ) -> Serving | None:
        """Serve a request of an endpoint where none or more than one exchange may come of it."""
        shared, target = self._shared, forward.target
        if (
            target.relief is not None
            and is_complete
            and self._from_hub.relieve(client, request, record, forward, target.relief)
        ):
            return None
        rule, wanted = fallback.rule(forward), shadow.rule(forward)
        if rule is not None:
            budget = self._budgets.find(target.owner, rule)
            attempt = Attempt(shared, client, request, forward, record, budget)
            attempt.begin(body, is_complete)
            return None if attempt.owner.is_done else attempt
        if wanted is not None and self._shadows.choose(target.owner, wanted, request):
            exchange: Exchange = ShadowedExchange(shared, client, request, forward, record, self._shadows, wanted)
        else:
            exchange = Exchange(shared, client, request, forward, record)
        exchange.begin(body, is_complete)
        return None if exchange.is_done else exchange

    def turn_away(self, client: ClientConnection, error: RequestError) -> None:
        """Answer bytes that are no request, and close."""
        shared = self._shared
        record = Record(shared.ids.keep(None), monotonic(), failure=error.fault.name.lower())
        shared.open += 1
        client.is_last = True
        shared.refuse(client, None, record, problem(error), shared.readable(error.origin))
        shared.finish(record, monotonic())

    def _refuse(self, client: ClientConnection, request: Request, record: Record, decision: Refuse) -> None:
        if request.path == "*":
            self._shared.reply(client, request, record, 204, ALLOW, b"")
        else:
            self._shared.refuse(client, request, record, decision.problem, decision.headers)
        self._shared.finish(record, monotonic())
        client.finish(monotonic())

    def _serve_here(self, client: ClientConnection, request: Request, record: Record, local: Local) -> None:
        if local.name == PREFLIGHT:
            self._shared.reply(client, request, record, 204, local.headers, b"")
            self._shared.finish(record, monotonic())
            client.finish(monotonic())
            return
        record.status = 200
        self._shared.finish(record, monotonic())
        self._handoff.take(client, request, record.request_id)
