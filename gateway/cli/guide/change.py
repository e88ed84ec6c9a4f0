"""What changes in a message, member by member, as its reader has to know it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.cli.guide.shape import Computed, Constant, Items, Members, Note, Origin, Shape, joined, rewritten, traced
from gateway.config.translation import BodyMap

NOTHING: Final = ""
REST: Final = "…"
"""Stands for all other members of an object."""
CASES: Final = {"camel": "camelCase", "snake": "snake_case"}


@dataclass(frozen=True, slots=True)
class Versions:
    """The two sides' names."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One member: its path before and after, empty where there is none, and what else is to be known."""

    before: str
    after: str
    note: str = ""

    @property
    def is_named(self) -> bool:
        """Whether it is one member, and not all others of an object."""
        return not (self.before + self.after).endswith(REST)


def answer_changes(part: BodyMap | None, versions: Versions) -> list[Change]:
    """Return the changes of an answer, which an adapter translates from the successor's to the legacy shape."""
    if part is None or not part.source:
        return []
    return [
        Change(legacy or NOTHING, successor or NOTHING, note)
        for legacy, successor, note in _rows(part.transform, part.source, _AnswerWords(versions))
    ]


def request_changes(transform: Any, source: str, versions: Versions) -> list[Change]:
    """Return the changes of a request's body or query, which is translated from the legacy shape."""
    if not source:
        return []
    return [
        Change(legacy, successor, note) for successor, legacy, note in _rows(transform, source, _AskWords(versions))
    ]


def _rows(transform: Any, source: str, words: "_Words") -> Iterator[tuple[str, str, str]]:
    """Yield the path made, the path it is made from, and the note."""
    if source.startswith("python "):
        said = " ".join((getattr(transform, "__doc__", None) or "no description").split())
        yield "", "", f"translated by `{source.removeprefix('python ')}`: {said}"
        return
    yield from _walk(traced(source), "", words)


def _walk(shape: Shape, made: str, words: "_Words") -> Iterator[tuple[str, str, str]]:
    match shape:
        case Members(members):
            for name, member in members.items():
                yield from _walk(member, joined(made, name), words)
        case Items(item):
            yield from _walk(item, f"{made}[]", words)
        case Constant(value):
            yield made, "", words.constant(_json(value))
        case Computed(how):
            yield made, "", f"computed ({how})"
        case Origin() if shape.case is None and not shape.renames:
            yield made or REST, shape.path or REST, "; ".join(words.note(note) for note in shape.notes)
        case Origin():
            yield from _object(shape, made, words)


def _object(shape: Origin, made: str, words: "_Words") -> Iterator[tuple[str, str, str]]:
    """Yield the members that are renamed, and a line for all others."""
    for old, new in shape.renames.items():
        yield joined(made, new), joined(shape.path, rewritten(old, shape.case, is_back=True)), "renamed"
    note = words.case(shape.case) if shape.case is not None else "as it was"
    yield joined(made, REST), joined(shape.path, REST), note


@dataclass(frozen=True, slots=True)
class _Words(ABC):
    """How changes are worded; what is made is the legacy shape for answers, the successor's for requests."""

    versions: Versions

    @abstractmethod
    def constant(self, value: str) -> str: ...

    @abstractmethod
    def case(self, case: str) -> str: ...

    @abstractmethod
    def values(self, table: Mapping[str, Any]) -> str: ...

    @abstractmethod
    def default(self, value: str) -> str: ...

    def note(self, note: Note) -> str:
        """Return one sentence about what happens to a value."""
        before, after = self.versions.before, self.versions.after
        match note.kind:
            case "format_time" | "parse_time":
                return f"{before}: `{note.argument}` in UTC; {after}: ISO 8601"
            case "translate":
                return self.values(note.argument)
            case "default":
                return self.default(_json(note.argument))
            case _:
                return f"{before}: without members that are null"


class _AnswerWords(_Words):
    """Of an answer."""

    def constant(self, value: str) -> str:
        return f"always {value} in {self.versions.before}; nothing in {self.versions.after} corresponds to it"

    def case(self, case: str) -> str:
        other = "camel" if case == "snake" else "snake"
        return f"the other names: {CASES[case]} in {self.versions.before}, {CASES[other]} in {self.versions.after}"

    def values(self, table: Mapping[str, Any]) -> str:
        pairs = ", ".join(f"{_json(old)} was {_json(new)}" for old, new in table.items())
        return f"{self.versions.after}'s {pairs}"

    def default(self, value: str) -> str:
        return f"null in {self.versions.after} was {value}"


class _AskWords(_Words):
    """Of a request."""

    def constant(self, value: str) -> str:
        return f"send {value}"

    def case(self, case: str) -> str:
        other = "camel" if case == "snake" else "snake"
        return f"the other names: {CASES[other]} in {self.versions.before}, {CASES[case]} in {self.versions.after}"

    def values(self, table: Mapping[str, Any]) -> str:
        return ", ".join(f"{_json(old)} becomes {_json(new)}" for old, new in table.items())

    def default(self, value: str) -> str:
        return f"{value} where it was left out"


def _json(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`"
