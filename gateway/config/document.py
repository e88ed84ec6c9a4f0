"""The file as plain data with the line of every key, references filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.config.findings import Fault, KeyPath
from gateway.config.interpolate import InterpolationError, Interpolator, Redactor
from gateway.config.nodes import Items, Members, Node, NodeError, Scalar

MAX_NODES = 50_000
NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True)
class Document:
    """The file's data: mappings, lists, texts and None; `lines` by path; `faults` are the references not filled in."""

    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    interpolated: set[KeyPath] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    redactor: Redactor = field(default_factory=Redactor)

    def line(self, path: KeyPath) -> int:
        """Return the line of a path, or of the nearest mapping or list around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(root: Members, environ: Mapping[str, str], folder: Path) -> Document:
    """Turn a tree into data; raises NodeError when aliases make it too big."""
    reader = _Reader(Interpolator(environ, folder))
    reader.document.data = reader.mapping(root, ())
    return reader.document


class _Reader:
    """Owns one walk over the tree, bounded to MAX_NODES visits whatever the aliases say."""

    def __init__(self, interpolator: Interpolator) -> None:
        self.document = Document()
        self._interpolator = interpolator
        self._visits = 0

    def mapping(self, node: Members, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, (line, value) in node.members.items():
            found[key] = self._value(value, (*path, key), line)
        return found

    def _value(self, node: Node, path: KeyPath, line: int) -> Any:
        self._visits += 1
        if self._visits > MAX_NODES:
            raise NodeError(line, f"has more than {MAX_NODES} values, aliases counted each time")
        self.document.lines[path] = line
        match node:
            case Scalar():
                return self._scalar(node, path)
            case Items():
                return [self._value(item, (*path, index), item.line) for index, item in enumerate(node.items)]
            case Members():
                return self.mapping(node, path)

    def _scalar(self, node: Scalar, path: KeyPath) -> str | None:
        text = node.text
        if "$" in text:
            try:
                filled = self._interpolator.fill(text)
            except InterpolationError as error:
                self.document.faults.append(Fault(path, str(error)))
                return None
            text = filled.text
            if filled.secrets:
                self.document.interpolated.add(path)
                self.document.redactor.add(filled.secrets)
        return None if node.is_plain and text in NULLS else text
