"""The adapters' language: JMESPath with functions for what two versions of an API differ in, and Python functions."""

import importlib
import re
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jmespath
from jmespath import exceptions, functions

from gateway.config.findings import suggestion

type Transform = Callable[[Any], Any]

UNDERSCORE = re.compile(r"(?<=[A-Za-z0-9])_+([A-Za-z0-9])")
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
ANY: Any = {"types": []}


class ExpressionError(ValueError):
    """An adapter's expression or function that cannot be used; the message says where and why."""


class Functions(functions.Functions):
    """What expressions may call besides JMESPath's own functions. None fails on an unexpected kind of value."""

    @functions.signature(ANY)
    def _func_camel(self, value: Any) -> Any:
        """Turn the keys of an object, at every depth, into camelCase."""
        return _with_keys(value, lambda key: UNDERSCORE.sub(lambda match: match[1].upper(), key))

    @functions.signature(ANY)
    def _func_snake(self, value: Any) -> Any:
        """Turn the keys of an object, at every depth, into snake_case."""
        return _with_keys(value, lambda key: HUMP.sub("_", key).lower())

    @functions.signature(ANY, {"types": ["object"]})
    def _func_rename(self, value: Any, table: dict[str, str]) -> Any:
        """Rename the keys of an object, or of each object in an array; a key that is absent stays absent."""
        if isinstance(value, list):
            return [self._func_rename(item, table) for item in value]
        if not isinstance(value, dict):
            return value
        return {table.get(key, key): member for key, member in value.items()}

    @functions.signature(ANY, {"types": ["object"]})
    def _func_translate(self, value: Any, table: dict[str, Any]) -> Any:
        """Replace a text by what the table has for it; others stay."""
        return table.get(value, value) if isinstance(value, str) else value

    @functions.signature(ANY, {"types": ["string"]})
    def _func_format_time(self, value: Any, form: str) -> Any:
        """Write an ISO 8601 time as strftime says, in UTC; what is not one stays."""
        try:
            return _utc(datetime.fromisoformat(value)).strftime(form)
        except (TypeError, ValueError, OverflowError):
            return value

    @functions.signature(ANY, {"types": ["string"]})
    def _func_parse_time(self, value: Any, form: str) -> Any:
        """Write a strptime time, taken as UTC, as ISO 8601 with milliseconds and Z; what is not one stays."""
        try:
            moment = _utc(datetime.strptime(value, form))  # noqa: DTZ007 - the zone is given on the spot
            return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        except (TypeError, ValueError, OverflowError):
            return value

    @functions.signature({"types": ["object", "null"]})
    def _func_compact(self, value: dict[str, Any] | None) -> Any:
        """Drop an object's members that are null."""
        return None if value is None else {key: member for key, member in value.items() if member is not None}

    @functions.signature(ANY, ANY)
    def _func_default(self, value: Any, instead: Any) -> Any:
        """Return the value, or the second one where it is null."""
        return instead if value is None else value


def compile_expression(text: str) -> Transform:
    """Compile a JMESPath expression; raises ExpressionError with the column of the mistake."""
    try:
        with warnings.catch_warnings():
            # The library takes a literal that is no JSON as a text, with a warning that nobody sees.
            warnings.simplefilter("error", PendingDeprecationWarning)
            compiled = jmespath.compile(text)
        _check_calls(compiled.parsed)
    except PendingDeprecationWarning:
        raise ExpressionError("has a `literal` that is not JSON; write texts as 'text'") from None
    except exceptions.EmptyExpressionError:
        raise ExpressionError("is empty; write a JMESPath expression or leave the key away") from None
    except exceptions.ParseError as error:
        raise ExpressionError(_describe(error, text)) from None
    except RecursionError:
        raise ExpressionError("is nested too deeply") from None
    except exceptions.JMESPathError as error:
        raise ExpressionError(f"is not JMESPath: {error}") from None
    options = jmespath.Options(custom_functions=Functions())
    return lambda value: compiled.search(value, options)


def compile_python(reference: str) -> Transform:
    """Import `module:function`; raises ExpressionError."""
    module_name, separator, attribute = reference.partition(":")
    if not (separator and attribute.isidentifier() and all(part.isidentifier() for part in module_name.split("."))):
        raise ExpressionError('is not a function: write {python: "package.module:function"}')
    try:
        function = getattr(importlib.import_module(module_name), attribute)
    except ModuleNotFoundError as error:
        raise ExpressionError(f"there is no module '{error.name}'; is it installed beside the gateway?") from None
    except AttributeError:
        raise ExpressionError(f"the module '{module_name}' has no '{attribute}'") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an operators' module may raise anything while it is imported
        raise ExpressionError(f"the module '{module_name}' fails when imported: {type(error).__name__}") from None
    if not callable(function):
        raise ExpressionError(f"'{attribute}' in '{module_name}' is not a function")
    found: Transform = function
    return found


def _describe(error: exceptions.ParseError, text: str) -> str:
    if isinstance(error, exceptions.IncompleteExpressionError):
        return "is not complete JMESPath: something is missing at its end"
    column = (getattr(error, "lexer_position", None) or error.lex_position or 0) + 1
    near = text[column - 1 : column + 19].strip()
    return f"is not JMESPath: mistake at column {column}" + (f", near '{near}'" if near else "")


def _check_calls(node: Any) -> None:
    """JMESPath itself finds an unknown function only when it runs."""
    if node["type"] == "function_expression":
        _check_call(node["value"], len(node["children"]))
    for child in node["children"]:
        if isinstance(child, dict):
            _check_calls(child)


def _check_call(name: str, count: int) -> None:
    known = Functions.FUNCTION_TABLE
    if name not in known:
        raise exceptions.UnknownFunctionError(f"there is no function {name}(); {suggestion(name, known)}")
    signature = known[name]["signature"]
    is_variadic = bool(signature) and signature[-1].get("variadic", False)
    if count < len(signature) or (count > len(signature) and not is_variadic):
        raise exceptions.JMESPathError(f"{name}() takes {len(signature)} arguments, not {count}")


def _with_keys(value: Any, convert: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {convert(key): _with_keys(member, convert) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_keys(item, convert) for item in value]
    return value


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
