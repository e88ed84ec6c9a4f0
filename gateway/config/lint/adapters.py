"""Adapters: do their expressions compile, and can their functions be imported?"""

from collections.abc import Iterator

from gateway.config.adapters import build_transform
from gateway.config.expressions import ExpressionError
from gateway.config.findings import Fault, KeyPath
from gateway.config.schema import Adapter, Config, Expression


def check(config: Config) -> Iterator[Fault]:
    """Yield expressions with mistakes, and adapters that do nothing."""
    for name, adapter in config.adapters.items():
        path: KeyPath = ("adapters", name)
        expressions = list(_expressions(adapter))
        for place, expression in expressions:
            yield from _expression(expression, (*path, *place))
        statuses = [part.status for part in (adapter.response, adapter.error) if part is not None and part.status]
        if not expressions and not statuses:
            yield Fault(path, "translates nothing; write request:, response: or error:, or remove it")


def _expressions(adapter: Adapter) -> Iterator[tuple[KeyPath, Expression]]:
    if adapter.request is not None:
        for key, expression in (("body", adapter.request.body), ("query", adapter.request.query)):
            if expression is not None:
                yield ("request", key), expression
    for key, part in (("response", adapter.response), ("error", adapter.error)):
        if part is not None and part.body is not None:
            yield (key, "body"), part.body


def _expression(expression: Expression, path: KeyPath) -> Iterator[Fault]:
    if expression.jmespath is not None and expression.python is not None:
        yield Fault(path, "has both jmespath and python; keep one")
        return
    if expression.jmespath is None and expression.python is None:
        yield Fault(path, 'says nothing; write a JMESPath expression or {python: "module:function"}')
        return
    try:
        build_transform(expression)
    except ExpressionError as error:
        yield Fault(path, str(error))
