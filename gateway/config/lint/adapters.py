"""Adapters: do their expressions compile, and can their functions be imported?"""

from collections.abc import Iterator, Mapping
from typing import Final

from gateway.config.adapters import build_transform
from gateway.config.expressions import ExpressionError
from gateway.config.findings import Fault, KeyPath
from gateway.config.schema import Adapter, Config, Expression

BODILESS: Final = frozenset({204, 304})
"""RFC 9110 sections 15.3.5 and 15.4.5."""


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
        for key, part in (("response", adapter.response), ("error", adapter.error)):
            if part is not None:
                yield from _statuses(part.status, (*path, key, "status"))


def _statuses(statuses: Mapping[int, int], path: KeyPath) -> Iterator[Fault]:
    for theirs, ours in statuses.items():
        if (theirs in BODILESS) != (ours in BODILESS):
            message = f"makes {ours} of {theirs}, but 204 and 304 have no body and others do; map it to another status"
            yield Fault((*path, str(theirs)), message)


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
