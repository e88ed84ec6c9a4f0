"""An answer that is held until it is whole, because its body must be translated."""

import logging

from gateway.config.translation import Adapter
from gateway.policy.adapt import AdaptError, adapt_answer
from gateway.upstream.fault import UpstreamError, UpstreamFault

log = logging.getLogger(__name__)


class Translation:
    """Owns the parts of one body, of `limit` bytes at most. What goes wrong with it is the backend's fault."""

    __slots__ = ("_adapter", "_bytes", "_limit", "_parts", "_request_id")

    def __init__(self, adapter: Adapter, limit: int, request_id: str) -> None:
        self._adapter = adapter
        self._limit = limit
        self._request_id = request_id
        self._parts: list[bytes] = []
        self._bytes = 0

    def __repr__(self) -> str:
        return f"<Translation by {self._adapter.name}, {self._bytes} bytes>"

    def add(self, data: bytes) -> None:
        """Hold a part; raises UpstreamError for one too many."""
        self._parts.append(data)
        self._bytes += len(data)
        if self._bytes > self._limit:
            raise UpstreamError(UpstreamFault.INVALID, "The backend's answer is too large to be translated.")

    def finish(self, status: int) -> tuple[bytes, bool]:
        """Return what the client gets of the whole body, and whether that is another one; raises UpstreamError."""
        body = b"".join(self._parts)
        try:
            translated = adapt_answer(self._adapter, status, body)
        except AdaptError as error:
            log.exception("%s", self._request_id)
            raise UpstreamError(UpstreamFault.INVALID, "The backend's answer could not be translated.") from error
        return translated, translated != body
