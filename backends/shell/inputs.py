"""Bodies and queries into the side's own pydantic models; whatever does not fit is one `InputFault`.

Owns the words for a body that is no JSON object; the sentences about values are the domain's (`rules.sentence`), so
that both sides say the same.
"""

from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from backends.domain.errors import Fault, FaultKind
from backends.domain.rules import sentence

NO_JSON = "the body must be JSON"
NO_OBJECT = "the body must be a JSON object"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field, under the name that the caller used for it."""

    field: str
    reason: str


class InputFault(Fault):
    """An INVALID fault that lists every problem of the input; its reason is the first one's."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(FaultKind.INVALID, problems[0].reason, problems[0].field or None)
        self.problems = problems


async def body[M: BaseModel](request: web.Request, model: type[M]) -> M:
    """The JSON body as a model; values are not coerced (`"5"` is no number), an empty body is an empty object."""
    try:
        raw = await request.read()
        return model.model_validate_json(raw.strip() or b"{}", strict=True)
    except web.RequestPayloadError:
        # It is not compressed the way its Content-Encoding says.
        raise InputFault((Problem("", NO_JSON),)) from None
    except ValidationError as error:
        raise _fault(error) from None


def query[M: BaseModel](request: web.Request, model: type[M]) -> M:
    """The query as a model; of a repeated name the first value counts."""
    values = {name: request.query.getone(name) for name in request.query}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _fault(error) from None


def _fault(error: ValidationError) -> InputFault:
    return InputFault(tuple(map(_problem, error.errors(include_url=False))))


def _problem(error: ErrorDetails) -> Problem:
    return Problem(".".join(map(str, error["loc"])), _reason(error))


def _reason(error: ErrorDetails) -> str:
    if error["type"] == "json_invalid":
        return NO_JSON
    if error["type"] == "model_type" and not error["loc"]:
        return NO_OBJECT
    return sentence(error)
