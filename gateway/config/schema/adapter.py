"""`adapters`: how messages are translated between the two sides."""

from collections.abc import Mapping
from typing import Any

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gateway.config.schema.scalars import FilledText, Status
from gateway.config.schema.strict import Strict


class Expression(Strict):
    """A JMESPath expression (written as a text), or a function `{python: "module:function"}`; exactly one of them."""

    jmespath: FilledText | None = None
    python: FilledText | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"jmespath": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "minLength": 1}, handler.resolve_ref_schema(handler(core))]}

    def __str__(self) -> str:
        return self.jmespath if self.jmespath is not None else f"python {self.python}"


class RequestMap(Strict):
    """The legacy request, made the successor's."""

    body: Expression | None = None
    query: Expression | None = None


class AnswerMap(Strict):
    """The successor's answer, made the legacy one; `status` replaces statuses."""

    body: Expression | None = None
    status: Mapping[Status, Status] = {}


class Adapter(Strict):
    """All translations of one endpoint; `error` is for answers with status 400 and above."""

    request: RequestMap | None = None
    response: AnswerMap | None = None
    error: AnswerMap | None = None
