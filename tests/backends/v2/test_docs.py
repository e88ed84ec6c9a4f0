"""`/docs` and the OpenAPI document."""

import re

from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.backends.v2.caller import Caller


def served(application: web.Application) -> set[tuple[str, str]]:
    """Every route of the application by method and template."""
    return {
        (route.method.lower(), route.resource.canonical)
        for route in application.router.routes()
        if route.resource is not None
    }


def described(caller: Caller) -> set[tuple[str, str]]:
    """Every operation of the document."""
    return {(method, path) for path, methods in caller.contract.document["paths"].items() for method in methods}


async def test_the_document_is_valid_openapi(anyone: Caller) -> None:
    OpenAPIV31SpecValidator(anyone.contract.document).validate()


async def test_the_document_has_every_route_and_no_other(application: web.Application, anyone: Caller) -> None:
    assert described(anyone) == served(application)


async def test_the_api_has_29_endpoints(anyone: Caller) -> None:
    assert len([path for _, path in described(anyone) if path.startswith("/api/v2/")]) == 29


async def test_operations_are_told_apart_by_their_ids(anyone: Caller) -> None:
    operations = [
        operation["operationId"]
        for methods in anyone.contract.document["paths"].values()
        for operation in methods.values()
    ]
    assert len(operations) == len(set(operations))


async def test_what_needs_a_token_says_so(anyone: Caller) -> None:
    document = anyone.contract.document
    assert document["security"] == [{"bearer": []}]
    public = {
        path
        for path, methods in document["paths"].items()
        for operation in methods.values()
        if operation.get("security") == []
    }
    assert public == {
        "/api/v2/auth/login",
        "/api/v2/auth/register",
        "/api/v2/auth/refresh",
        "/ws/info",
        "/ws/quotes/subscriptions",
        "/health",
        "/__faults",
        "/docs",
        "/docs/openapi.json",
    }


async def test_bodies_and_queries_are_described_in_camel_case(anyone: Caller) -> None:
    contract = anyone.contract
    body = contract.operation("POST", "/api/v2/watchlist")["requestBody"]["content"]["application/json"]["schema"]
    schema = contract.document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    assert set(schema["properties"]) == {"symbol", "name", "tags", "notes", "alertPriceHigh", "alertPriceLow"}
    assert schema["required"] == ["symbol"]
    parameters = contract.operation("GET", "/api/v2/news")["parameters"]
    assert {(parameter["name"], parameter["in"]) for parameter in parameters} == {
        ("symbol", "query"),
        ("page", "query"),
        ("pageSize", "query"),
    }


async def test_a_change_has_no_defaults(anyone: Caller) -> None:
    schemas = anyone.contract.document["components"]["schemas"]
    for name in ("WatchChange", "SystemChange", "FeaturesChange"):
        assert not [member for member in schemas[name]["properties"].values() if "default" in member]


async def test_the_page_lists_every_operation_and_loads_nothing(anyone: Caller) -> None:
    async with anyone.session.get("/docs") as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        text = await response.text()
    for method, path in described(anyone):
        assert re.search(rf"<b>{method.upper()}</b></td><td><code>{re.escape(path)}</code>", text), (method, path)
    assert "<script" not in text
    assert not re.search(r"(src|href)=\"?(https?:)?//", text)
