"""v2's own OpenAPI document as a judge of v2's answers; stricter than the document, it allows no unknown member."""

import re
from typing import Any

from jsonschema import Draft202012Validator

type Json = dict[str, Any]


class Contract:
    """What each operation may answer, and which answers were seen."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self.seen: set[tuple[str, str, int]] = set()
        self._components = {"components": closed(document["components"])}
        self._patterns = [(re.compile(re.sub(r"{\w+}", "[^/]+", path) + "$"), path) for path in document["paths"]]

    def check(self, method: str, path: str, status: int, answer: object) -> None:
        """Fails unless the document has this answer."""
        template = self.template(path)
        responses = self.operation(method, path)["responses"]
        assert str(status) in responses, f"{method} {path} is not said to answer {status}"
        schema = closed(responses[str(status)]["content"]["application/json"]["schema"])
        Draft202012Validator({**schema, **self._components}).validate(answer)
        self.seen.add((method.lower(), template, status))

    def operation(self, method: str, path: str) -> Json:
        """The operation of a call."""
        found: Json = self.document["paths"][self.template(path)][method.lower()]
        return found

    def template(self, path: str) -> str:
        """The path a call falls under; literal paths go before templates, as the router has it."""
        fitting = [known for pattern, known in self._patterns if pattern.match(path.partition("?")[0])]
        assert fitting, f"{path} is not in the document"
        return min(fitting, key=lambda known: known.count("{"))


def closed(schema: Any) -> Any:
    """The schema, with nothing allowed that it does not name."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        inner["additionalProperties"] = False
    return inner
