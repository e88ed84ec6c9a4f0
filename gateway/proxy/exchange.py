"""One request's life, from its head to its counters."""

import asyncio
import logging
from dataclasses import dataclass
from typing import assert_never

from gateway.config.snapshot import Snapshot
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.core.errors import MEDIA_TYPE, Problem
from gateway.core.http import Fields
from gateway.downstream.client import Client, Reply
from gateway.downstream.fault import RequestError
from gateway.observability.access_log import AccessLog
from gateway.observability.metrics import Metrics
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Forward, Local, Refuse
from gateway.proxy import local
from gateway.proxy.failure import problem
from gateway.proxy.forwarding import Origin, request_fields
from gateway.proxy.mark import RequestIds
from gateway.proxy.record import Record
from gateway.proxy.relay import outgoing, relay
from gateway.upstream.answer import Answer
from gateway.upstream.fault import UpstreamError
from gateway.upstream.fleet import Fleet

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every exchange of a process shares. The cell is read once an exchange, so a reload never splits one."""

    snapshot: Cell[Snapshot]
    memory: Memory
    fleet: Fleet
    metrics: Metrics
    access_log: AccessLog
    clock: Clock


class Proxy:
    """Serves requests: decides, then answers itself or forwards. Owns the count of open exchanges, no connection."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._ids = RequestIds()
        self._quiet = asyncio.Event()
        self.open = 0
        self.is_draining = False

    def __repr__(self) -> str:
        return f"<Proxy {self.open} open{', draining' if self.is_draining else ''}>"

    async def serve(self, client: Client) -> None:
        """Answer one request; raises ClientGoneError."""
        head = client.head
        request_id = self._ids.keep(head.get("x-request-id"))
        record = Record(request_id, head.method, head.path, self._around.clock.monotonic())
        self.open += 1
        try:
            await self._answer(client, record)
        finally:
            self.open -= 1
            if self.open == 0:
                self._quiet.set()
            self._note(record)

    def turn_away(self, error: RequestError) -> Reply:
        """Return the answer to bytes that are no request."""
        record = Record(self._ids.keep(None), "", "", self._around.clock.monotonic(), reason=error.fault.name.lower())
        reply = _refusal(problem(error), "", record, ())
        self._note(record)
        return reply

    async def quiet(self) -> None:
        """Wait until no exchange is open."""
        while self.open:
            self._quiet.clear()
            await self._quiet.wait()

    async def _answer(self, client: Client, record: Record) -> None:
        try:
            client.refuse_oversize()
        except RequestError as error:
            await self._refuse_unread(client, record, error)
            return
        snapshot = self._around.snapshot.value
        now = self._around.clock.now()
        decision = decide(client.head, snapshot, now, self._around.memory)
        record.note_decision(decision, self._around.metrics)
        match decision:
            case Local():
                reply = local.reply(decision.name, snapshot, now, is_draining=self.is_draining)
                await self._reply(client, record, _marked(reply, record))
            case Refuse():
                refusal = _refusal(decision.problem, client.head.path, record, decision.headers)
                await self._reply(client, record, refusal)
            case Forward():
                await self._forward(client, record, decision, snapshot)
            case _:
                assert_never(decision)

    async def _refuse_unread(self, client: Client, record: Record, error: RequestError) -> None:
        """Refuse a request for its head alone; its body stays unread, so the connection ends."""
        record.reason = error.fault.name.lower()
        client.is_last = True
        await self._reply(client, record, _refusal(problem(error), client.head.path, record, ()))

    async def _forward(self, client: Client, record: Record, forward: Forward, snapshot: Snapshot) -> None:
        try:
            answer = await self._ask(client, record, forward, snapshot)
        except (RequestError, UpstreamError) as error:
            await self._fail(client, record, error, forward, snapshot)
            return
        try:
            await relay(answer, client, forward, record.request_id, snapshot.server.limits.body)
        except UpstreamError as error:
            await self._fail(client, record, error, forward, snapshot)
        finally:
            answer.close()
            if client.status is not None:
                record.status = client.status

    async def _ask(self, client: Client, record: Record, forward: Forward, snapshot: Snapshot) -> Answer:
        origin = Origin(record.request_id, client.scheme, trusts_peer=snapshot.server.trusted_hops > 0)
        request = await outgoing(client, forward, request_fields(client.head, forward, origin))
        sent = self._around.clock.monotonic()
        answer = await self._around.fleet.get(forward.upstream).send(request)
        elapsed = self._around.clock.monotonic() - sent
        self._around.metrics.upstream_durations[(forward.upstream,)].observe(elapsed)
        return answer

    async def _fail(
        self, client: Client, record: Record, error: RequestError | UpstreamError, forward: Forward, snapshot: Snapshot
    ) -> None:
        """Tell the client what went wrong, or cut the connection when an answer has begun already."""
        record.reason = error.fault.name.lower()
        log.warning("%s %s failed: %s", record.request_id, forward.upstream, error.detail, exc_info=error.__cause__)
        if client.status is not None:
            record.status = client.status
            client.abort()
            return
        if isinstance(error, RequestError):
            client.is_last = True  # part of the body may be unread
        # Nobody answered, so nobody is named as having answered.
        served_by = (snapshot.server.version_header or "").lower()
        kept = tuple((name, value) for name, value in forward.answer_headers if name.lower() != served_by)
        await self._reply(client, record, _refusal(problem(error), client.head.path, record, kept))

    async def _reply(self, client: Client, record: Record, reply: Reply) -> None:
        record.status = reply.status
        await client.reply(reply)

    def _note(self, record: Record) -> None:
        entry = record.finish(self._around.clock.monotonic(), self._around.metrics)
        self._around.access_log.write(entry)


def _refusal(refused: Problem, instance: str, record: Record, headers: Fields) -> Reply:
    record.status = refused.code
    body = refused.render(instance=instance, request_id=record.request_id)
    standard = (("Content-Type", MEDIA_TYPE), ("Cache-Control", "no-store"), ("X-Request-Id", record.request_id))
    return Reply(refused.code, (*headers, *standard), body)


def _marked(reply: Reply, record: Record) -> Reply:
    return Reply(reply.status, (*reply.fields, ("X-Request-Id", record.request_id)), reply.body)
