"""Moving bodies: the request's to the backend, the answer's to the client."""

from gateway.core.http import Fields
from gateway.downstream.client import Client
from gateway.policy.adapt import (
    AdaptError,
    adapt_answer,
    adapt_request,
    adapt_status,
    wants_answer_body,
    wants_request_body,
)
from gateway.policy.decision import Forward
from gateway.proxy.forwarding import answer_fields, without_body_bound
from gateway.upstream.answer import Answer
from gateway.upstream.fault import UpstreamError, UpstreamFault
from gateway.upstream.request import Outgoing

BODILESS: frozenset[int] = frozenset({204, 304})


async def outgoing(client: Client, forward: Forward, fields: Fields) -> Outgoing:
    """Return the request for the backend; only an adapter holds the body. Raises RequestError."""
    if not client.has_body:
        return Outgoing(forward.method, forward.path, forward.query, fields)
    if forward.adapter is not None and wants_request_body(forward.adapter):
        body = adapt_request(forward.adapter, await client.read())
        return Outgoing(forward.method, forward.path, forward.query, fields, body, len(body))
    return Outgoing(forward.method, forward.path, forward.query, fields, client.body(), client.length)


async def relay(answer: Answer, client: Client, forward: Forward, request_id: str, limit: int) -> None:
    """Send the backend's answer to the client; raises UpstreamError and ClientGoneError."""
    status = adapt_status(forward.adapter, answer.status)
    fields = answer_fields(answer.fields, forward, request_id)
    is_bodiless = client.head.method == "HEAD" or answer.status in BODILESS
    if is_bodiless:
        await _send_head_only(answer, client, forward, status, fields)
    elif wants_answer_body(forward.adapter, answer.status):
        await _send_translated(answer, client, forward, status, fields, limit)
    else:
        await _stream(answer, client, status, fields)


async def _send_head_only(answer: Answer, client: Client, forward: Forward, status: int, fields: Fields) -> None:
    if wants_answer_body(forward.adapter, answer.status):
        await client.start(status, without_body_bound(fields), None)
    else:
        await client.start(status, fields, answer.length)
    await client.finish()


async def _send_translated(
    answer: Answer, client: Client, forward: Forward, status: int, fields: Fields, limit: int
) -> None:
    body = await answer.read(limit)
    translated = _translate(forward, answer.status, body)
    if translated != body:
        fields = without_body_bound(fields)
    await client.start(status, fields, len(translated))
    await client.write(translated)
    await client.finish()


def _translate(forward: Forward, status: int, body: bytes) -> bytes:
    if forward.adapter is None:
        return body
    try:
        return adapt_answer(forward.adapter, status, body)
    except AdaptError as error:
        raise UpstreamError(UpstreamFault.INVALID, "The backend's answer could not be translated.") from error


async def _stream(answer: Answer, client: Client, status: int, fields: Fields) -> None:
    await client.start(status, fields, answer.length)
    async for chunk in answer.chunks():
        await client.write(chunk)
    await client.finish()
