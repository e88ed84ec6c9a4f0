"""The file's adapters, with their expressions compiled."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.config import schema
from gateway.config.expressions import Transform, compile_expression, compile_python


@dataclass(frozen=True, slots=True)
class BodyMap:
    """One message's translation. `transform` maps a parsed JSON value to another; None leaves the body as it is.

    `query` maps the query's parameters (text to text, or to a list of texts) to the successor's; None leaves the query
    alone. `status` replaces answer statuses. `source` is what the file said, for explanations and documents.
    """

    transform: Transform | None = None
    query: Transform | None = None
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


def build_transform(expression: schema.Expression) -> Transform:
    """Compile an expression or import a function; raises ExpressionError."""
    if expression.python is not None:
        return compile_python(expression.python)
    return compile_expression(expression.jmespath or "")


def compile_adapter(name: str, spec: schema.Adapter) -> Adapter:
    """Compile every expression of an adapter; raises ExpressionError."""
    return Adapter(name, _request(spec.request), _answer(spec.response), _answer(spec.error))


def _request(part: schema.RequestMap | None) -> BodyMap | None:
    if part is None:
        return None
    return BodyMap(
        transform=build_transform(part.body) if part.body is not None else None,
        query=build_transform(part.query) if part.query is not None else None,
        source=str(part.body or ""),
        query_source=str(part.query or ""),
    )


def _answer(part: schema.AnswerMap | None) -> BodyMap | None:
    if part is None:
        return None
    transform = build_transform(part.body) if part.body is not None else None
    return BodyMap(transform=transform, status=part.status, source=str(part.body or ""))
