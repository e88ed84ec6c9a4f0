"""The answer as aiohttp sends it: exactly our fields, nothing invented besides Date and the framing."""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.http import HttpVersion11

from gateway.core.http import Fields

INVENTED: Final = (hdrs.SERVER, hdrs.CONTENT_TYPE)
"""Fields that aiohttp adds when they are missing, and that we do not."""


class Answer(web.StreamResponse):
    """One answer on the wire. `length` None means not known: sent in chunks, in HTTP/1.0 until the connection's end."""

    def __init__(self, status: int, fields: Fields, length: int | None) -> None:
        super().__init__(status=status)
        for name, value in fields:
            self.headers.add(name, value)
        if length is not None:
            self.headers[hdrs.CONTENT_LENGTH] = str(length)
        # With a known length the body follows at once and can share the head's packet; a stream's head must not wait.
        self._send_headers_immediately = length is None

    async def _prepare_headers(self) -> None:
        request = self._req
        if request is not None and request.version != HttpVersion11 and hdrs.CONTENT_LENGTH not in self.headers:
            self.force_close()
        missing = [name for name in INVENTED if name not in self.headers]
        await super()._prepare_headers()
        for name in missing:
            self.headers.popall(name, None)
