"""Who serves one request, as the client's connection sees it."""

from typing import Protocol

from gateway.downstream.fault import RequestError


class Serving(Protocol):
    """The service's side of one request, as the connection sees it."""

    def on_request_body(self, data: bytes, *, is_last: bool) -> None:
        """A part of the request's body."""

    def on_bad_request(self, error: RequestError) -> None:
        """The rest of the request is not what its head promised; nothing more will come."""

    def on_gone(self) -> None:
        """The client's connection is closed; nothing can be written any more."""

    def on_client_blocked(self, *, is_blocked: bool) -> None:
        """The client reads more slowly than we write, or has caught up."""
