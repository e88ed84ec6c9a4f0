"""The OpenAPI 3.1 document, made from the route table and the models that serve it.

Pure: nothing here reads a request. Schemas of what v2 reads and writes are pydantic's own.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, override

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from backends.domain.errors import FaultKind
from backends.v2.endpoint import Access, AnyEndpoint, Area, Custom, Envelope, NoInput, Route
from backends.v2.envelope import JSON, FailureBody, Meta, status_of

type Json = dict[str, Any]
type Key = tuple[str, str]
"""A route by method and path, or one of the shared models by name."""

REF = "#/components/schemas/{model}"

_MEANINGS = {
    401: "No token, or a bad one; or a wrong user name or password.",
    403: "Not allowed.",
    404: "There is no such item.",
    409: "It exists already, is finished already, or is not finished yet.",
    422: "The input is not valid; `details` says where.",
    500: "Something broke.",
    503: "The store or Redis cannot be reached at the moment.",
}


def document(areas: Iterable[Area], version: str) -> Json:
    """The whole document."""
    listed = list(areas)
    schemas = _Schemas(route for area in listed for route in area.routes)
    paths: dict[str, Json] = {}
    for area in listed:
        for route in area.routes:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, area, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stock analysis API v2",
            "version": version,
            "description": "The new API: camelCase, one envelope, ISO 8601 times in UTC.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": area.name, "description": area.title} for area in listed],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": schemas.definitions,
        },
    }


def failure_response(description: str) -> Json:
    """A response with v2's error shape."""
    return {"description": description, "content": {JSON: {"schema": reference(FailureBody.__name__)}}}


def reference(model: str) -> Json:
    """A schema that stands under its name among the components."""
    return {"$ref": REF.format(model=model)}


class _Untitled(GenerateJsonSchema):
    """Without the titles that pydantic makes of names: `Changepercent` tells nobody anything."""

    @override
    def field_title_should_be_set(self, schema: object) -> bool:
        return False


class _Schemas:
    """The JSON Schemas of every model in use, named and referred to as OpenAPI wants them."""

    def __init__(self, routes: Iterable[Route]) -> None:
        shared: set[type[BaseModel]] = {FailureBody, Meta}
        inputs: list[tuple[Key, JsonSchemaMode, TypeAdapter[Any]]] = []
        for route in routes:
            if isinstance(route, Custom):
                shared.update(route.models)
            else:
                key = (route.method, route.path)
                inputs.append((key, "validation", TypeAdapter(route.reads)))
                inputs.append((key, "serialization", TypeAdapter(route.answers)))
        inputs += [(("", model.__name__), "serialization", TypeAdapter(model)) for model in shared]
        self._schemas, found = TypeAdapter.json_schemas(
            inputs, by_alias=True, ref_template=REF, schema_generator=_Untitled
        )
        found["$defs"].pop(NoInput.__name__)
        self.definitions: Json = dict(sorted(found["$defs"].items()))

    def read(self, endpoint: AnyEndpoint) -> Json:
        """What an endpoint reads."""
        return self._schemas[(endpoint.method, endpoint.path), "validation"]

    def answered(self, endpoint: AnyEndpoint) -> Json:
        """What an endpoint answers, with its envelope."""
        data = self._schemas[(endpoint.method, endpoint.path), "serialization"]
        if endpoint.envelope is Envelope.NONE:
            return data
        return {
            "type": "object",
            "properties": {"success": {"const": True}, "data": data, "meta": reference(Meta.__name__)},
            "required": ["success", "data", "meta"],
        }

    def properties(self, endpoint: AnyEndpoint) -> Json:
        """The object that an endpoint reads, resolved."""
        name = self.read(endpoint)["$ref"].rpartition("/")[2]
        schema: Json = self.definitions[name]
        return schema


def _operation(route: Route, area: Area, schemas: _Schemas) -> Json:
    parameters = _path_parameters(route.path)
    if isinstance(route, Custom):
        own = dict(route.operation)
        parameters += own.pop("parameters", [])
        return {"tags": [area.name], **own, **({"parameters": parameters} if parameters else {})}
    operation: Json = {
        "tags": [area.name],
        "operationId": _operation_id(route),
        "summary": route.summary,
        "responses": _responses(route, schemas),
    }
    if route.access is Access.PUBLIC:
        operation["security"] = []
    if route.has_body:
        operation["requestBody"] = _body(route, schemas)
    elif route.reads is not NoInput:
        parameters += _query_parameters(schemas.properties(route))
    return {**operation, "parameters": parameters} if parameters else operation


def _operation_id(endpoint: AnyEndpoint) -> str:
    words = re.findall(r"[A-Za-z0-9]+", endpoint.path.removeprefix("/api/v2"))
    return endpoint.method.lower() + "".join(word[0].upper() + word[1:] for word in words)


def _path_parameters(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(schema: Mapping[str, Any]) -> list[Json]:
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": described}
        for name, described in schema["properties"].items()
    ]


def _body(endpoint: AnyEndpoint, schemas: _Schemas) -> Json:
    is_required = bool(schemas.properties(endpoint).get("required"))
    return {"required": is_required, "content": {JSON: {"schema": schemas.read(endpoint)}}}


def _responses(endpoint: AnyEndpoint, schemas: _Schemas) -> Json:
    success: Json = {"description": endpoint.summary, "content": {JSON: {"schema": schemas.answered(endpoint)}}}
    failures = {str(status): failure_response(_MEANINGS[status]) for status in sorted(_failing_statuses(endpoint))}
    return {str(endpoint.status): success, **failures}


def _failing_statuses(endpoint: AnyEndpoint) -> set[int]:
    kinds = {FaultKind.UNAVAILABLE, *endpoint.faults}
    if endpoint.access is not Access.PUBLIC:
        kinds.add(FaultKind.UNAUTHORIZED)
    if endpoint.access is Access.ADMIN:
        kinds.add(FaultKind.FORBIDDEN)
    if endpoint.reads is not NoInput:
        kinds.add(FaultKind.INVALID)
    return {500, *(status_of(kind)[0] for kind in kinds)}
