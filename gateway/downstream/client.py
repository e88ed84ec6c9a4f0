"""The client's side of one exchange, free of how bytes move: read the request, write the answer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.http import HttpVersion11

from gateway.config.schema import Limits
from gateway.core.http import Fields, RequestHead
from gateway.downstream.answer import Answer
from gateway.downstream.fault import RequestError, RequestFault

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class ClientGoneError(Exception):
    """The client closed its connection before the answer was complete."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer of our own."""

    status: int
    fields: Fields
    body: bytes


class Client:
    """One request's client: owns reading its body within the limits and writing exactly one answer.

    `length` is the announced length of the request's body, None when it comes in chunks. It never decides what to
    answer. Reading raises RequestError, writing raises ClientGoneError.
    """

    def __init__(self, request: web.BaseRequest, head: RequestHead, limits: Limits) -> None:
        self._request = request
        self._limits = limits
        self._answer: Answer | None = None
        self.head = head
        self.scheme = request.scheme
        self.has_body = request.can_read_body
        self.length = request.content_length
        self.is_last = False
        """Set to close the connection after this answer."""

    def __repr__(self) -> str:
        return f"<Client {self.head.peer}: {self.head.method} {self.head.path}>"

    @property
    def answer(self) -> Answer | None:
        """The answer as far as it was begun."""
        return self._answer

    @property
    def status(self) -> int | None:
        """The status that was sent, None while nothing was."""
        return self._answer.status if self._answer is not None else None

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body's chunks as they arrive; raises RequestError."""
        self._check_length()
        await self._invite()
        received = 0
        while chunk := await self._read_some():
            received += len(chunk)
            if received > self._limits.body:
                raise _too_large(self._limits)
            yield chunk

    async def read(self) -> bytes:
        """Return the whole body; raises RequestError."""
        return b"".join([chunk async for chunk in self.body()])

    def refuse_oversize(self) -> None:
        """Raise RequestError when the announced length alone is too much, before anything is sent on."""
        self._check_length()

    async def reply(self, reply: Reply) -> None:
        """Send a whole answer."""
        await self.start(reply.status, reply.fields, len(reply.body))
        await self.write(reply.body)
        await self.finish()

    async def start(self, status: int, fields: Fields, length: int | None) -> None:
        """Send the answer's head. `length` None: not known, or the fields announce it (as an answer to HEAD does)."""
        self._answer = Answer(status, fields, length)
        if self.is_last:
            self._answer.force_close()
        try:
            await self._answer.prepare(self._request)
        except ConnectionError as error:
            raise ClientGoneError from error

    async def write(self, chunk: bytes) -> None:
        """Send a part of the body, waiting while the client is slow."""
        if self._answer is None or self.head.method == "HEAD" or not chunk:
            return
        try:
            await self._answer.write(chunk)
        except ConnectionError as error:
            raise ClientGoneError from error

    async def finish(self) -> None:
        """End the answer properly."""
        if self._answer is None:
            return
        try:
            await self._answer.write_eof()
        except ConnectionError as error:
            raise ClientGoneError from error

    def abort(self) -> None:
        """Cut the connection, so that a broken answer never looks complete."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def _check_length(self) -> None:
        if self.length is not None and self.length > self._limits.body:
            raise _too_large(self._limits)

    async def _invite(self) -> None:
        """Answer `Expect: 100-continue` (RFC 9110 section 10.1.1) when the body is first wanted."""
        expects = (self.head.get("expect") or "").lower() == "100-continue"
        if expects and self._request.version == HttpVersion11 and self._answer is None:
            writer = self._request.writer
            await writer.write(CONTINUE)
            writer.output_size = 0

    async def _read_some(self) -> bytes:
        try:
            async with asyncio.timeout(self._limits.body_timeout):
                return await self._request.content.readany()
        except TimeoutError:
            raise RequestError(RequestFault.TOO_SLOW, "The request's body did not arrive in time.") from None
        except web.RequestPayloadError:
            raise RequestError(RequestFault.MALFORMED, "The request's body is not framed correctly.") from None


def _too_large(limits: Limits) -> RequestError:
    return RequestError(RequestFault.BODY_TOO_LARGE, f"The body is larger than {limits.body} bytes.")
