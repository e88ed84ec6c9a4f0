"""YAML text as a tree that remembers its lines. Everything is text here: the schema decides what a scalar means.

Built from parser events instead of YAML's own constructors, so that duplicate keys are found, tags construct nothing,
and neither deep nesting nor aliases can make a small file big.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from gateway.config.findings import KeyPath

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
UNPRINTABLE = re.compile("[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Scalar:
    """A leaf; `is_plain` when it stands without quotes."""

    line: int
    text: str
    is_plain: bool


@dataclass(slots=True)
class Items:
    """A list."""

    line: int
    items: "list[Node]" = field(default_factory=list)


@dataclass(slots=True)
class Members:
    """A mapping: key to the key's line and the value."""

    line: int
    members: "dict[str, tuple[int, Node]]" = field(default_factory=dict)


type Node = Scalar | Items | Members


class NodeError(Exception):
    """The text is not one YAML document of the kind we take; `line` starts at 1."""

    def __init__(self, line: int, message: str, path: KeyPath = ()) -> None:
        super().__init__(message)
        self.line = line
        self.path = path


def parse(text: str) -> tuple[Node | None, list[NodeError]]:
    """Return the root, or None for an empty document, and the faults that do not hide others. Raises NodeError."""
    unprintable = UNPRINTABLE.search(text)
    if unprintable is not None:
        line = text.count("\n", 0, unprintable.start()) + 1
        raise NodeError(line, f"has the control character U+{ord(unprintable[0]):04X}; remove it")
    try:
        composer = _Composer(yaml.parse(text, Loader=LOADER))
        return composer.document(), composer.faults
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise NodeError(line, f"is not YAML: {error.problem}{_hint(text, line)}") from None
    except yaml.YAMLError as error:
        raise NodeError(1, f"is not YAML: {error}") from None


def _hint(text: str, line: int) -> str:
    lines = text.splitlines()
    written = lines[line - 1] if line <= len(lines) else ""
    if "\t" in written[: len(written) - len(written.lstrip())]:
        return "; indent with spaces, not tabs"
    return "; look at this line and the one before for indentation, a missing quote, bracket or colon"


class _Composer:
    """Owns one pass over a document's events. Anchored nodes are shared, never copied."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Node | None] = {}
        self.faults: list[NodeError] = []

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise NodeError(_line(event), "a second document begins here; write one document a file")
                root = self._node(next(self._events), ())
        return None if isinstance(root, Scalar) and root.is_plain and not root.text else root

    def _node(self, event: Any, path: KeyPath) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if len(path) > MAX_DEPTH:
            raise NodeError(_line(event), f"is nested deeper than {MAX_DEPTH} levels")
        if event.tag is not None and event.tag != "!":
            self.faults.append(NodeError(_line(event), "has a YAML tag; write the value without the !tag", path))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = self._content(event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _content(self, event: Any, path: KeyPath) -> Node:
        match event:
            case yaml.ScalarEvent():
                return Scalar(_line(event), event.value, event.implicit[0])
            case yaml.SequenceStartEvent():
                return self._items(event, path)
            case _:
                return self._members(event, path)

    def _alias(self, event: yaml.AliasEvent) -> Node:
        if event.anchor not in self._anchors:
            raise NodeError(_line(event), f"there is no anchor &{event.anchor} before this alias")
        node = self._anchors[event.anchor]
        if node is None:
            raise NodeError(_line(event), f"the alias *{event.anchor} stands inside its own anchor")
        return node

    def _items(self, start: Any, path: KeyPath) -> Items:
        found = Items(_line(start))
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.items.append(self._node(event, (*path, len(found.items))))
        return found

    def _members(self, start: Any, path: KeyPath) -> Members:
        found = Members(_line(start))
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, (*path, ""))
            name = key.text if isinstance(key, Scalar) else ""
            value = self._node(next(self._events), (*path, name))
            self._add(found, key, value, _line(event), path)
        return found

    def _add(self, found: Members, key: Node, value: Node, line: int, path: KeyPath) -> None:
        if not isinstance(key, Scalar):
            self.faults.append(NodeError(line, "a key must be a plain text; put quotes around { } or [ ]", path))
        elif key.text == "<<":
            self.faults.append(NodeError(line, "merge keys (<<) are not taken; write the keys out", path))
        elif key.text in found.members:
            message = f"is already on line {found.members[key.text][0]}; keep one of the two"
            self.faults.append(NodeError(line, message, (*path, key.text)))
        else:
            found.members[key.text] = (line, value)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
