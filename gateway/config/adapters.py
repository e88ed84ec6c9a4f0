"""The file's adapters, with their expressions compiled."""

from gateway.config import schema
from gateway.config.expressions import Transform, compile_expression, compile_python
from gateway.config.translation import Adapter, BodyMap


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
