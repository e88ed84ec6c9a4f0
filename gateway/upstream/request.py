"""What is sent to a backend."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.core.http import Fields


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request as the backend shall see it: `path` and `query` raw, `fields` without Host and framing.

    `body` is held bytes, a stream, or None; `length` a stream's announced length, None for chunks.
    """

    method: str
    path: str
    query: str
    fields: Fields
    body: bytes | AsyncIterator[bytes] | None = None
    length: int | None = None


class Upload:
    """A stream on its way to a backend. Remembers why it failed, because aiohttp only tells that it did."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self.failure: Exception | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._source)
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.failure = error
            raise
