"""How one endpoint's messages are translated, compiled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class BodyMap:
    """One message's translation. `transform` maps a parsed JSON value to another; None leaves the body as it is.

    `query` maps the query's parameters (text to text, or to a list of texts) to the successor's; None leaves the query
    alone. `status` replaces answer statuses. `source` is what the file said, for explanations and documents.
    """

    transform: Callable[[Any], Any] | None = None
    query: Callable[[Any], Any] | None = None
    status: Mapping[int, int] = field(default_factory=dict)
    source: str = ""
    query_source: str = ""


@dataclass(frozen=True, slots=True)
class Adapter:
    """Translates between the legacy and the successor shape of one endpoint's messages."""

    name: str
    request: BodyMap | None = None
    response: BodyMap | None = None
    error: BodyMap | None = None
