"""Whether two answers say the same: status first, then JSON field by field. Pure."""

from collections.abc import Callable, Iterator
from enum import Enum
from itertools import zip_longest
from typing import Any, Final

import orjson

from gateway.config.field import Patterns, descend, is_met
from gateway.observability.shadow import PATH_LENGTH, Difference

MOST: Final = 20
"""Differing paths that are told of one answer."""
SHOWN: Final = 100
"""Characters of a value that is not redacted."""

NUMBERS: Final = frozenset({int, float})

type Show = Callable[[Any], str]
type Pair = tuple[str, Patterns, Any, Any]
"""Two values that may differ: where, what is ignored below it, legacy's and the successor's."""


class Missing(Enum):
    """What stands where one side has no value, or no JSON at all."""

    ABSENT = "absent"
    TEXT = "no JSON"


def compare(
    legacy: tuple[int, bytes], successor: tuple[int, bytes], ignore: Patterns, *, is_redacted: bool
) -> tuple[Difference, ...]:
    """Return how two answers (status and body) differ; nothing where they say the same.

    Numbers are the same when their values are, texts to the letter, arrays item by item in their order. Bodies of which
    neither is JSON must be the same to the byte.
    """
    if legacy[0] != successor[0]:
        return (Difference("(status)", str(legacy[0]), str(successor[0])),)
    if legacy[1] == successor[1]:
        return ()
    one, other = _parsed(legacy[1]), _parsed(successor[1])
    show = redacted if is_redacted else shown
    if one is Missing.TEXT or other is Missing.TEXT:
        return (Difference("(body)", show(one), show(other)),)
    return tuple(differences(one, other, ignore, show))


def differences(legacy: Any, successor: Any, ignore: Patterns, show: Show) -> list[Difference]:
    """Return the fields that differ, by path, each path once; items of an array share theirs."""
    found: dict[str, Difference] = {}
    left: list[Pair] = [("", ignore, legacy, successor)] if not is_met(ignore) else []
    while left and len(found) < MOST:
        path, patterns, one, other = left.pop()
        if type(one) is type(other) is dict:
            left.extend(_members(path, patterns, one, other))
        elif type(one) is type(other) is list:
            left.extend(_items(path, patterns, one, other))
        elif not _is_same(one, other):
            name = path[:PATH_LENGTH] or "(body)"
            found.setdefault(name, Difference(name, show(one), show(other)))
    return sorted(found.values(), key=lambda difference: difference.path)


def _members(path: str, patterns: Patterns, one: dict[str, Any], other: dict[str, Any]) -> Iterator[Pair]:
    """Yield the members that may differ and are not to be ignored."""
    pairs = [(key, value, other.get(key, Missing.ABSENT)) for key, value in one.items()]
    if one.keys() != other.keys():
        pairs += [(key, Missing.ABSENT, value) for key, value in other.items() if key not in one]
    for key, value, others in pairs:
        if _is_same(value, others):
            continue
        below = descend(patterns, key) if patterns else patterns
        if not below or not is_met(below):
            yield f"{path}.{key}" if path else key, below, value, others


def _items(path: str, patterns: Patterns, one: list[Any], other: list[Any]) -> Iterator[Pair]:
    """Yield the items that may differ and are not to be ignored."""
    path = f"{path}[*]"
    for index, (value, others) in enumerate(zip_longest(one, other, fillvalue=Missing.ABSENT)):
        if _is_same(value, others):
            continue
        below = descend(patterns, index) if patterns else patterns
        if not below or not is_met(below):
            yield path, below, value, others


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two values are surely the same; where it is not sure, they are looked into.

    Objects and arrays are the same when they are written the same. 1 is 1.0, but true is not 1.
    """
    kind = type(one)
    if kind is dict or kind is list:
        return kind is type(other) and len(one) == len(other) and _written(one) == _written(other) is not None
    if kind is type(other):
        return bool(one == other)
    return kind in NUMBERS and type(other) in NUMBERS and bool(one == other)


def _written(value: Any) -> bytes | None:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return None  # deeper than it writes, though not than it reads


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return Missing.TEXT


def redacted(value: Any) -> str:
    """Return what kind of value it is, and how long: nothing of what it says."""
    match value:
        case Missing():
            return value.value
        case None:
            return "null"
        case str() | list():
            return f"{type(value).__name__}({len(value)})"
        case dict():
            return f"object({len(value)})"
    return type(value).__name__


def shown(value: Any) -> str:
    """Return the value as JSON, cut where it is long."""
    return value.value if isinstance(value, Missing) else (_written(value) or b"...").decode()[:SHOWN]
