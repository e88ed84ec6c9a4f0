"""Who serves requests, and whom a connection belongs to, as the client's connection sees them."""

from typing import TYPE_CHECKING, Protocol

from gateway.config.schema import Limits
from gateway.core.turn import Turn
from gateway.downstream.fault import RequestError
from gateway.wire.request import Request, RequestMemo

if TYPE_CHECKING:
    from gateway.downstream.connection import ClientConnection

type Arrival = tuple["ClientConnection", Request, bytes]
"""A whole request with its body, and whose it is."""


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


class Service(Protocol):
    """What serves the requests."""

    def serve(self, client: "ClientConnection", request: Request, body: bytes, is_complete: bool) -> Serving | None:
        """Begin to answer a request; None when it has been answered or handed off already."""

    def serve_all(self, arrivals: list[Arrival]) -> None:
        """Begin to answer whole requests of several clients, and settle each."""

    def turn_away(self, client: "ClientConnection", error: RequestError) -> None:
        """Answer bytes that are no request, and close."""


class Registry(Protocol):
    """The listener, as its connections see it."""

    arrived: "Turn[ClientConnection]"
    limits: Limits
    memo: RequestMemo
    small_head: int
    most_fields: int
    service: Service
    is_draining: bool

    def opened(self, client: "ClientConnection") -> bool:
        """Count a connection; False when there are too many."""

    def closed(self, client: "ClientConnection") -> None:
        """Forget a connection."""
