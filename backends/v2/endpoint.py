"""What an area hands to the application: its endpoints, typed, with all that serving and describing them takes.

The route table and the OpenAPI document are both made from these, so neither can say what the other does not.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel

from backends.domain.accounts import Claims
from backends.domain.errors import FaultKind
from backends.shell.bearer import CLAIMS


class NoInput(BaseModel):
    """Reads nothing: whatever the body or the query holds is ignored."""


class Access(Enum):
    """Who may call."""

    PUBLIC = "anyone"
    USER = "whoever has an access token"
    ADMIN = "users with the role admin"


class Envelope(Enum):
    """What is around the answer."""

    STANDARD = "success, data and meta"
    NONE = "nothing"


@dataclass(frozen=True, slots=True)
class Call[I: BaseModel]:
    """One request that was let in, its input parsed."""

    request: web.Request
    input: I

    @property
    def claims(self) -> Claims:
        """What the caller's token says; there is none on a public endpoint."""
        return self.request[CLAIMS]

    @property
    def user(self) -> str:
        """The caller."""
        return self.claims.sub

    def part(self, name: str) -> str:
        """A parameter of the path."""
        return self.request.match_info[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint[I: BaseModel, O]:
    """One call of the API: `reads` is its query where the method is GET or DELETE, else its JSON body."""

    method: str
    path: str
    summary: str
    reads: type[I]
    answers: type[O]
    handle: Callable[[Call[I]], Awaitable[O]]
    status: int = 200
    access: Access = Access.USER
    envelope: Envelope = Envelope.STANDARD
    faults: tuple[FaultKind, ...] = ()
    """What may go wrong beyond the token, the role and the input."""

    @property
    def has_body(self) -> bool:
        """Whether the input travels in the body."""
        return self.reads is not NoInput and self.method not in {"GET", "DELETE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """A route that answers by itself (a page, a WebSocket) and brings its own OpenAPI operation.

    `models` are those whose schemas the operation refers to by their names.
    """

    method: str
    path: str
    serve: Handler
    operation: Mapping[str, Any]
    models: tuple[type[BaseModel], ...] = ()


type AnyEndpoint = Endpoint[Any, Any]
type Route = AnyEndpoint | Custom


@dataclass(frozen=True, slots=True)
class Area:
    """A named group of routes."""

    name: str
    title: str
    routes: tuple[Route, ...]
