"""What counts as valid input, shared by both sides, and the sentence that says why something is not.

The shells build their pydantic models from these types under their own field names, so a sentence never names a field.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from backends.domain.errors import Fault, FaultKind


def _matching(pattern: str, reason: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise PydanticCustomError("rule", "{reason}", {"reason": reason})
        return value

    return AfterValidator(check)


def _is_date(value: str) -> str:
    try:
        is_plain = date.fromisoformat(value).isoformat() == value
    except ValueError:
        is_plain = False
    if not is_plain:
        raise PydanticCustomError("rule", "{reason}", {"reason": DATE_REASON})
    return value


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


USERNAME_REASON = "a user name has 3 to 32 characters out of a-z, 0-9, _ and -"
SYMBOL_REASON = "a stock symbol has 1 to 12 letters, digits, dots or hyphens"
EMAIL_REASON = "this is not an e-mail address"
DATE_REASON = "a date is written YYYY-MM-DD"

Username = Annotated[str, _matching(r"[a-z0-9_-]{3,32}", USERNAME_REASON)]
Password = Annotated[str, Field(min_length=8, max_length=256)]
Email = Annotated[str, Field(max_length=254), _matching(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", EMAIL_REASON)]
Symbol = Annotated[str, _matching(r"[A-Za-z0-9.-]{1,12}", SYMBOL_REASON)]
Symbols = Annotated[list[Symbol], Field(min_length=1, max_length=20)]
AnalysisType = Literal["technical", "momentum", "volatility"]
Priority = Annotated[int, Field(ge=0, le=9)]
Days = Annotated[int, Field(ge=20, le=250)]
PageNumber = Annotated[int, Field(ge=1, le=1_000_000)]
PageSize = Annotated[int, Field(ge=1, le=100)]
NewsLimit = Annotated[int, Field(ge=1, le=50)]
Period = Literal["day", "week"]
CandleLimit = Annotated[int, Field(ge=1, le=250)]
Price = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Tag = Annotated[str, Field(min_length=1, max_length=32)]
Tags = Annotated[list[Tag], Field(max_length=20)]
Notes = Annotated[str, Field(max_length=2000)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
RefreshInterval = Annotated[int, Field(ge=1, le=3600)]
MaxWatchlist = Annotated[int, Field(ge=1, le=1000)]
DateText = Annotated[str, AfterValidator(_is_date)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Volume = Annotated[int, Field(ge=0, le=2**53)]
ScreeningLimit = Annotated[int, Field(ge=1, le=100)]

_SENTENCES: dict[str, str] = {
    "missing": "a required value is missing",
    "extra_forbidden": "an unknown field is not allowed",
    "string_type": "the value must be text",
    "int_type": "the value must be a whole number",
    "int_parsing": "the value must be a whole number",
    "int_parsing_size": "the value must be a whole number",
    "int_from_float": "the value must be a whole number",
    "float_type": "the value must be a number",
    "float_parsing": "the value must be a number",
    "finite_number": "the value must be a finite number",
    "bool_type": "the value must be true or false",
    "bool_parsing": "the value must be true or false",
    "list_type": "the value must be a list",
    "dict_type": "the value must be an object",
    "model_type": "the value must be an object",
    "model_attributes_type": "the value must be an object",
    "literal_error": "the value is not one of those allowed",
    "enum": "the value is not one of those allowed",
}
"""Pydantic's error types that need no figure. A literal's values are left out: the two sides spell some differently."""

_BOUNDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "greater_than": lambda ctx: f"the value must be more than {ctx['gt']:g}",
    "greater_than_equal": lambda ctx: f"the value must be at least {ctx['ge']}",
    "less_than": lambda ctx: f"the value must be less than {ctx['lt']:g}",
    "less_than_equal": lambda ctx: f"the value must be at most {ctx['le']}",
    "too_short": lambda ctx: f"the list must have at least {_counted(ctx['min_length'], 'item')}",
    "too_long": lambda ctx: f"the list must have at most {_counted(ctx['max_length'], 'item')}",
    "string_too_short": lambda ctx: f"the text must have at least {_counted(ctx['min_length'], 'character')}",
    "string_too_long": lambda ctx: f"the text must have at most {_counted(ctx['max_length'], 'character')}",
}


def sentence(error: ErrorDetails) -> str:
    """Why a value was refused, in words that are the same on both sides."""
    kind = error["type"]
    if kind == "rule":
        return error["msg"]
    if kind in _BOUNDS:
        return _BOUNDS[kind](error.get("ctx", {}))
    return _SENTENCES.get(kind, "the value is not valid")


def checked[T](adapter: TypeAdapter[T], value: object, field: str) -> T:
    """The value, if it keeps the rule; raises `Fault` INVALID otherwise."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise Fault(FaultKind.INVALID, sentence(error.errors()[0]), field) from None
