"""Where each member of a translated message comes from: an adapter's expression, followed without a message.

The tree is JMESPath's own. What cannot be followed (filters, conditions, most functions) is Computed, and says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import jmespath

from gateway.config.expressions import compile_expression

type Case = Literal["camel", "snake"]
type Shape = Origin | Members | Items | Constant | Computed


@dataclass(frozen=True, slots=True)
class Note:
    """What happens to a value on its way: the function's name and its argument, if it has one."""

    kind: str
    argument: Any = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The value at `path` of the other message, such as `data[].symbol`; the whole message is the empty path.

    `case` says how the names inside are rewritten, `renames` which of them change besides, by their rewritten name.
    """

    path: str = ""
    notes: tuple[Note, ...] = ()
    case: Case | None = None
    renames: Mapping[str, str] = field(default_factory=dict)

    def member(self, name: str) -> "Origin":
        """Return the value of a member, by the name that it has after the names were rewritten."""
        before = {after: before for before, after in self.renames.items()}.get(name, name)
        path = joined(self.path, rewritten(before, self.case, is_back=True))
        return Origin(path, case=self.case) if self.case is not None else Origin(path)


@dataclass(frozen=True, slots=True)
class Members:
    """An object with exactly these members."""

    members: Mapping[str, Shape]


@dataclass(frozen=True, slots=True)
class Items:
    """An array, all items of which have one shape."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Constant:
    """Always this value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Computed:
    """Made of the message in a way that is not followed; `how` is the operation's name."""

    how: str


SNAKE: Final = compile_expression("snake(@)")
CAMEL: Final = compile_expression("camel(@)")


def traced(expression: str) -> Shape:
    """Return the shape of what an expression makes of a message."""
    return _follow(jmespath.compile(expression).parsed, Origin())


def rewritten(name: str, case: Case | None, *, is_back: bool = False) -> str:
    """Return a name in this case; `is_back`: the one that it was rewritten from."""
    if case is None:
        return name
    convert = SNAKE if (case == "snake") != is_back else CAMEL
    (found,) = convert({name: None})
    return str(found)


def joined(path: str, name: str) -> str:
    """Return the path of a member."""
    return f"{path}.{name}" if path else name


def _follow(node: Any, current: Shape) -> Shape:
    children: Sequence[Any] = node["children"]
    match node["type"]:
        case "current" | "identity":
            return current
        case "field":
            return _member(current, node["value"])
        case "subexpression" | "pipe" | "index_expression":
            for child in children:
                current = _follow(child, current)
            return current
        case "projection":
            item = _item(_follow(children[0], current))
            return Items(_follow(children[1], item))
        case "index" if isinstance(current, Origin):
            return replace(current, path=f"{current.path}[{node['value']}]")
        case "flatten":
            return _follow(children[0], current)
        case "multi_select_dict":
            return Members({pair["value"]: _follow(pair["children"][0], current) for pair in children})
        case "literal":
            return Constant(node["value"])
        case "function_expression":
            return _call(node["value"], [_follow(child, current) for child in children])
        case kind:
            return Computed(kind.replace("_", " "))


def _member(shape: Shape, name: str) -> Shape:
    match shape:
        case Origin():
            return shape.member(name)
        case Members(members):
            return members.get(name, Constant(None))
        case Computed():
            return shape
        case _:
            return Computed("field")


def _item(shape: Shape) -> Shape:
    match shape:
        case Origin():
            return replace(shape, path=f"{shape.path}[]")
        case Items(item):
            return item
        case Computed():
            return shape
        case _:
            return Computed("projection")


def _call(name: str, arguments: Sequence[Shape]) -> Shape:
    subject, *rest = arguments
    values = [shape.value for shape in rest if isinstance(shape, Constant)]
    if not isinstance(subject, Origin) or len(values) != len(rest) or name not in CALLS:
        return Computed(f"{name}()")
    return CALLS[name](subject, *values)


def _noted(kind: str) -> Callable[..., Shape]:
    return lambda subject, *values: replace(subject, notes=(*subject.notes, Note(kind, *values)))


def _cased(case: Case) -> Callable[..., Shape]:
    return lambda subject: replace(subject, case=case)


CALLS: Final[Mapping[str, Callable[..., Shape]]] = {
    "camel": _cased("camel"),
    "snake": _cased("snake"),
    "rename": lambda subject, table: replace(subject, renames={**subject.renames, **table}),
    **{kind: _noted(kind) for kind in ("translate", "format_time", "parse_time", "compact", "default")},
}
