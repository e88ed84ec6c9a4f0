"""Data against the schema: every fault of it, and a Config even where some of it is wrong.

What is wrong is cut out and the rest validated again, so that the cross checks can speak about the rest of the file in
the same run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError

from gateway.config.document import Document
from gateway.config.findings import Fault, KeyPath, suggestion
from gateway.config.schema import Config
from gateway.config.schema.strict import Strict

MAX_ROUNDS = 64
MAX_SHOWN = 80
STAND_INS: Mapping[str, Any] = {"version": "1", "upstreams": {"stand-in": {"endpoints": ["http://127.0.0.1:1"]}}}
"""What takes the place of the two required keys, so that one fault in them does not hide all others."""


@dataclass(slots=True)
class Validated:
    """What the schema makes of the data. `cut` are the paths that were taken out, each for a fault or under one."""

    config: Config | None = None
    faults: list[Fault] = field(default_factory=list)
    cut: set[KeyPath] = field(default_factory=set)
    positions: dict[KeyPath, list[int]] = field(default_factory=dict)

    def original(self, path: KeyPath) -> KeyPath:
        """Return a path of the Config as a path of the file: list items may have been cut out before it."""
        found: KeyPath = ()
        for part in path:
            if isinstance(part, int) and found in self.positions:
                found = (*found, self.positions[found][part])
            else:
                found = (*found, part)
        return found

    def is_beside_a_cut(self, path: KeyPath) -> bool:
        """Whether something was cut out of the model that a path belongs to: a fault there may only be its shadow."""
        return any(path[: len(scope)] == scope for scope in map(_scope, self.cut))


def validate(document: Document, folder: Path) -> Validated:
    """Validate a document's data; relative file names are looked up in `folder`."""
    found = Validated(cut={fault.path for fault in document.faults})
    for _ in range(MAX_ROUNDS):
        found.positions.clear()
        data = _without(document.data, (), found)
        if found.cut:
            data = {**STAND_INS, **data}
        try:
            found.config = Config.model_validate(data, context={"folder": folder})
        except ValidationError as error:
            _note(error, document, found)
            continue
        break
    return found


def _without(value: Any, path: KeyPath, found: Validated) -> Any:
    """Return a copy without what was cut, noting where the list items that are left come from."""
    if isinstance(value, dict):
        return {
            key: _without(member, (*path, key), found) for key, member in value.items() if (*path, key) not in found.cut
        }
    if isinstance(value, list):
        kept = [index for index in range(len(value)) if (*path, index) not in found.cut]
        found.positions[path] = kept
        return [_without(value[index], (*path, index), found) for index in kept]
    return value


def _note(error: ValidationError, document: Document, found: Validated) -> None:
    reported = list(_faults(error, document, found))
    known = frozenset(found.cut)
    for fault, place in reported:
        # What lies around or under an earlier cut is that cut's consequence, not a second mistake.
        if not any(cut[: len(fault.path)] == fault.path[: len(cut)] for cut in known):
            found.faults.append(fault)
        found.cut.add(place)


def _faults(error: ValidationError, document: Document, found: Validated) -> Iterator[tuple[Fault, KeyPath]]:
    """Yield each fault with the path that must be cut for the rest to stand."""
    for detail in error.errors(include_url=False):
        loc = detail["loc"]
        if detail["type"] == "missing":
            path, key = _locate(found.original(loc[:-1]), document.data), str(loc[-1])
            yield Fault((*path, key), f"is missing; write {key}: …"), path or (key,)
        else:
            path = _locate(found.original(loc), document.data)
            yield Fault(path, _message(path, detail, document)), path


def _locate(loc: KeyPath, data: Any) -> KeyPath:
    """Return the part of a pydantic location that exists in the data; the rest names validators."""
    found: KeyPath = ()
    for part in loc:
        inside = isinstance(data, dict) and part in data
        if not inside and not (isinstance(data, list) and isinstance(part, int) and part < len(data)):
            break
        found, data = (*found, part), data[part]
    return found


def _message(path: KeyPath, detail: Any, document: Document) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return f"is not a known key; {suggestion(str(path[-1]), _keys(_model_at(path[:-1])))}"
        case "value_error":
            return _quoted(path, document, detail) + str(detail["ctx"]["error"])
        case "literal_error":
            expected = detail["ctx"]["expected"].replace("'", "")
            return _quoted(path, document, detail) + f"is not known here; write {expected}"
        case "model_type" | "mapping_type" | "dict_type" | "model_attributes_type":
            return "must be a mapping; write KEY: VALUE pairs below it"
        case "tuple_type" | "list_type":
            return "must be a list; write [A, B], or one '- ' line for each"
        case "too_short":
            return "must not be empty; write at least one"
        case _:
            return str(detail["msg"])


def _quoted(path: KeyPath, document: Document, detail: Any) -> str:
    """Return the value as the file has it and a blank; nothing for what is no text or came from outside the file."""
    value = detail["loc"][-2] if detail["loc"][-1:] == ("[key]",) else detail["input"]
    if path in document.interpolated:
        return "the value of the reference "
    if not isinstance(value, str):
        return ""
    return f"'{value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + '…'}' "


def _scope(cut: KeyPath) -> KeyPath:
    """The mapping that a cut belongs to, where that is a model; for an entry of a list or of named things, itself."""
    return cut[:-1] if len(cut) > 1 and _model_at(cut[:-1]) is not None else cut


def _model_at(path: KeyPath) -> type[Strict] | None:
    """Return the model that describes the mapping at a path, or None for lists, named things and scalars."""
    current: Any = Config
    for part in path:
        if isinstance(current, type) and issubclass(current, Strict):
            fields = {field.alias or name: field.annotation for name, field in current.model_fields.items()}
            current = _bare(fields.get(str(part)))
        else:
            arguments = get_args(current)
            current = _bare(arguments[-1 if get_origin(current) is not tuple else 0]) if arguments else None
    return current if isinstance(current, type) and issubclass(current, Strict) else None


def _bare(annotation: Any) -> Any:
    """Return an annotation without Annotated and None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return _bare(next(part for part in get_args(annotation) if part is not NoneType))
    return annotation


def _keys(model: type[Strict] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model is not None else []
