"""Patterns of fields in a JSON document, such as `meta.**` and `data[*].updated_at`, as `shadow.ignore` has them.

A pattern begins at the top of the document, and means what it names with all that is below. Members are joined by dots;
a name with other characters than letters, digits, `_`, `-`, `$` and `@` is written as a JSON string. `*` is any member,
`[*]` any item, `[3]` the fourth one, `**` any number of members and items, also none.
"""

import json
import re
from enum import Enum, auto
from typing import Final


class Wild(Enum):
    """What stands for more than one name or position."""

    MEMBER = auto()
    ITEM = auto()
    DEPTH = auto()


type Step = str | int | Wild
type Pattern = tuple[Step, ...]
type Patterns = tuple[Pattern, ...]

TOKEN: Final = re.compile(r'(?P<deep>\*\*)|(?P<any>\*)|(?P<name>[$@\w-]+)|(?P<quoted>"(?:[^"\\]|\\.)*")')
INDEX: Final = re.compile(r"\[(\*|0|[1-9][0-9]{0,8})\]")


class PatternError(ValueError):
    """The text is not a pattern of fields; the message says why."""


def parse(text: str) -> Pattern:
    """Parse a pattern; raises PatternError."""
    steps: list[Step] = []
    at = 0
    while at < len(text):
        index = INDEX.match(text, at)
        if index is not None:
            steps.append(Wild.ITEM if index[1] == "*" else int(index[1]))
            at = index.end()
            continue
        if steps:
            if text[at] != ".":
                raise _fault(text, at)
            at += 1
        token = TOKEN.match(text, at)
        if token is None:
            raise _fault(text, at)
        steps.append(_step(token, text, at))
        at = token.end()
    if not steps:
        raise PatternError("is empty; write a path such as data[*].updated_at")
    return tuple(steps)


def _step(token: re.Match[str], text: str, at: int) -> Step:
    match token.lastgroup:
        case "deep":
            return Wild.DEPTH
        case "any":
            return Wild.MEMBER
        case "name":
            return token[0]
    try:
        return str(json.loads(token[0]))
    except ValueError:
        raise _fault(text, at) from None


def _fault(text: str, at: int) -> PatternError:
    near = text[at : at + 20]
    where = f"at column {at + 1}, near '{near}'" if near else "at its end"
    return PatternError(f"is not a path of fields: mistake {where}; write such as meta.** or data[*].updated_at")


def descend(patterns: Patterns, key: str | int) -> Patterns:
    """Return what is left of the patterns below a member or an item."""
    return tuple(dict.fromkeys(left for pattern in patterns for left in _left(pattern, key)))


def is_met(patterns: Patterns) -> bool:
    """Return whether one of the patterns ends here."""
    return any(all(step is Wild.DEPTH for step in pattern) for pattern in patterns)


def _left(pattern: Pattern, key: str | int) -> list[Pattern]:
    if not pattern:
        return []
    first, rest = pattern[0], pattern[1:]
    if first is Wild.DEPTH:
        return [pattern, *_left(rest, key)]
    if first == key or first is (Wild.MEMBER if isinstance(key, str) else Wild.ITEM):
        return [rest]
    return []
