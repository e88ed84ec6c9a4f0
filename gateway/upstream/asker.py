"""Whose request a connection carries, as the connection sees it."""

from typing import Protocol

from gateway.upstream.fault import UpstreamError
from gateway.wire.answer import AnswerHead


class Asker(Protocol):
    """Whose request a connection carries. Each request ends with exactly one of on_whole, on_end and on_error."""

    def on_whole(self, head: AnswerHead, body: bytes) -> None:
        """The whole answer has arrived at once."""

    def on_interim(self, head: AnswerHead) -> None:
        """A 1xx answer; a final one follows."""

    def on_head(self, head: AnswerHead) -> None:
        """The head of an answer whose body follows in parts."""

    def on_body(self, data: bytes) -> None:
        """A part of the body."""

    def on_end(self) -> None:
        """The answer is complete."""

    def on_switch(self, head: AnswerHead, data: bytes) -> None:
        """A 101 to a request that asked for it: the connection is the asker's until it is closed."""

    def on_error(self, error: UpstreamError) -> None:
        """The exchange failed; the connection is gone. UpstreamFault.LOST means that not one byte came back."""

    def on_upstream_blocked(self, *, is_blocked: bool) -> None:
        """The backend reads more slowly than we send, or has caught up."""
