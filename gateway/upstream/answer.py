"""A backend's answer: its head, checked, and its body as it arrives."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Final

import aiohttp

from gateway.upstream.fault import UpstreamError, UpstreamFault, translate

FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters that no field value may hold (RFC 9110 section 5.5)."""

TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A field's name; llhttp lets a space before the colon through in answers (RFC 9112 section 5.1)."""

EVENT_STREAM: Final = "text/event-stream"


class Answer:
    """Owns one answer and the connection it comes on, until `close`, which may be called any number of times.

    `length` is what Content-Length announces. A connection is used again only after a complete answer; a body that ends
    early raises UpstreamError, so that nobody can take it for a short success. Event streams may be silent for as long
    as they like, every other body must keep moving: at most `patience` seconds between two chunks.
    """

    def __init__(
        self, response: aiohttp.ClientResponse, upstream: str, patience: float, release: Callable[[], None]
    ) -> None:
        self._response = response
        self._upstream = upstream
        self._release = release
        self._is_open = True
        self.status = response.status
        self.fields = tuple((_text(name), _text(value)) for name, value in response.raw_headers)
        self.length = response.content_length
        is_stream = response.headers.get("Content-Type", "").lower().startswith(EVENT_STREAM)
        self._patience = None if is_stream else patience

    def __repr__(self) -> str:
        return f"<Answer {self._upstream}: {self.status}, {'open' if self._is_open else 'closed'}>"

    def check(self) -> None:
        """Raise UpstreamError for a head that two parsers could read differently."""
        names = [name.lower() for name, _ in self.fields]
        codings = [value.strip().lower() for name, value in self.fields if name.lower() == "transfer-encoding"]
        lengths = names.count("content-length")
        is_ambiguous = lengths > 1 or (codings and (codings != ["chunked"] or lengths))
        is_garbled = any(not TOKEN.fullmatch(name) or FORBIDDEN.search(value) for name, value in self.fields)
        if is_ambiguous or is_garbled or not 200 <= self.status <= 599:
            raise self._invalid()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives; raises UpstreamError when it is cut or stalls."""
        while True:
            try:
                async with asyncio.timeout(self._patience):
                    chunk = await self._response.content.readany()
            except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError):
                raise self._invalid() from None
            except (aiohttp.ClientError, OSError) as error:
                raise translate(error, self._upstream) from None
            if not chunk:
                return
            yield chunk

    async def read(self, limit: int) -> bytes:
        """Return the whole body; raises UpstreamError when it is longer than `limit` bytes."""
        parts: list[bytes] = []
        size = 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                detail = f"The answer of {self._upstream} is too large to be translated."
                raise UpstreamError(UpstreamFault.INVALID, detail)
            parts.append(chunk)
        return b"".join(parts)

    def close(self) -> None:
        """Give the connection back after a complete answer, or cut it."""
        if not self._is_open:
            return
        self._is_open = False
        self._release()
        if self._response.content.at_eof() or self.status in {204, 304}:
            self._response.release()
        else:
            self._response.close()

    def _invalid(self) -> UpstreamError:
        return UpstreamError(UpstreamFault.INVALID, f"The answer of {self._upstream} is not valid HTTP.")


def _text(raw: bytes) -> str:
    """Return a field's text. Bytes that are not UTF-8 are ISO 8859-1, as they were when fields had a charset."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
