"""A backend's own Deprecation, Sunset and Link beside ours: one date each, the earliest, and no link twice.

Used only when the backend sends any of them. Pure.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from gateway.core.block import Block, render
from gateway.core.http import Fields, http_date, parse_http_date
from gateway.wire.line import Line

MERGED: Final = frozenset({"deprecation", "sunset", "link"})

DATE_ITEM: Final = re.compile(r"@(-?[0-9]{1,12})(?: *;.*)?", re.ASCII)
"""A date of a structured field (RFC 9651 section 3.3.7), its parameters ignored as RFC 9745 section 2.1 has none."""
LINK: Final = re.compile(r'[\s,]*+<([^<>]*+)>((?:[^",<]|"(?:[^"\\]|\\.)*+")*+)(?=,|$)')
"""One link-value (RFC 8288 section 3); commas inside quotes are none of the list's."""
PARAMETER: Final = re.compile(r';\s*([A-Za-z0-9*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))')

type Relation = tuple[str, str]
"""A link's target and one of its relations, lower case."""
type Parse = Callable[[str], float | None]
"""Reads a date; None for what is none, which loses against every date."""


def merge(theirs: Sequence[Line], ours: Fields) -> Block:
    """Return our fields, each with the earliest date there is, and without the links that the backend has as well."""
    return render(tuple(_settled(theirs, ours)))


def _settled(theirs: Sequence[Line], ours: Fields) -> Iterator[tuple[str, str]]:
    for name, value in ours:
        match name:
            case "Deprecation":
                yield name, _earliest(value, _values(theirs, "deprecation"), _date_item, lambda at: f"@{int(at)}")
            case "Sunset":
                yield name, _earliest(value, _values(theirs, "sunset"), parse_http_date, http_date)
            case "Link":
                left = _without(value, {relation for text in _values(theirs, "link") for relation in relations(text)})
                if left:
                    yield name, left
            case _:
                yield name, value


def relations(text: str) -> Iterator[Relation]:
    """Yield what a Link field says about the resource itself; links with an `anchor` speak about another one."""
    for target, rest in _links(text):
        parameters: dict[str, str] = {}
        for name, quoted, plain in PARAMETER.findall(rest):
            # Of several `rel` the first counts (RFC 8288 section 3.3).
            parameters.setdefault(name.lower(), quoted or plain)
        if "anchor" not in parameters:
            yield from ((target, relation) for relation in parameters.get("rel", "").lower().split())


def _links(text: str) -> Iterator[tuple[str, str]]:
    """Yield targets and parameters up to the first that is malformed; each character is looked at once."""
    position = 0
    while (found := LINK.match(text, position)) is not None:
        yield found[1], found[2]
        position = found.end()


def _values(lines: Iterable[Line], name: str) -> list[str]:
    return [line.value for line in lines if line.name == name]


def _earliest(own: str, others: Iterable[str], parse: Parse, write: Callable[[float], str]) -> str:
    limit = parse(own)
    dates = [moment for text in others if (moment := parse(text)) is not None]
    return write(min(dates)) if dates and limit is not None and min(dates) < limit else own


def _date_item(text: str) -> float | None:
    found = DATE_ITEM.fullmatch(text)
    return float(found[1]) if found is not None else None


def _without(own: str, known: set[Relation]) -> str:
    """Return our links without those that are known; each of ours has one relation."""
    parts = [f"<{target}>{rest}" for target, rest in _links(own)]
    return ", ".join(part for part in parts if known.isdisjoint(relations(part)))
