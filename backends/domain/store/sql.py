"""Filters and sorts in SQLite's SQL over a JSON column `body`. Pure: text and parameters, no connection.

Names go into the text, because an index on an expression serves only that very expression; so they are checked.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from backends.domain.store import Filter, Sort

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_COMPARISONS = {"$gte": ">=", "$lte": "<="}

type Clause = tuple[str, list[Any]]


def name(text: str) -> str:
    """A collection's or a field's name that is safe inside SQL."""
    if _NAME.fullmatch(text) is None:
        raise ValueError(f"not a name for a collection or field: {text!r}")
    return text


def column(field: str) -> str:
    """The expression that reads a field."""
    return "_id" if field == "_id" else f"json_extract(body, '$.{name(field)}')"


def where_clause(where: Filter | None) -> Clause:
    """` WHERE …` with its parameters; empty without a filter."""
    clauses = list(_clauses(where or {}))
    if not clauses:
        return "", []
    text = " AND ".join(clause for clause, _ in clauses)
    return f" WHERE {text}", [value for _, values in clauses for value in values]


def order_clause(sort: Sort) -> str:
    """` ORDER BY …`; empty without a sort."""
    if not sort:
        return ""
    return " ORDER BY " + ", ".join(f"{column(field)} {'ASC' if way > 0 else 'DESC'}" for field, way in sort)


def _clauses(where: Filter) -> Iterator[Clause]:
    for field, wanted in where.items():
        if isinstance(wanted, Mapping):
            yield from (_operation(field, operator, value) for operator, value in wanted.items())
        elif wanted is None:
            yield f"{column(field)} IS NULL", []
        else:
            yield f"{column(field)} = ?", [wanted]


def _operation(field: str, operator: str, value: Any) -> Clause:
    if operator == "$in":
        return f"{column(field)} IN ({', '.join('?' * len(value))})", list(value)
    if operator == "$contains":
        return f"EXISTS (SELECT 1 FROM json_each(body, '$.{name(field)}') AS member WHERE member.value = ?)", [value]  # noqa: S608
    if operator in _COMPARISONS:
        return f"{column(field)} {_COMPARISONS[operator]} ?", [value]
    raise ValueError(f"unknown operator in a filter: {operator}")
