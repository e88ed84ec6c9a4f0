"""`/docs/openapi.json` and a plain page made from it. The page loads nothing from anywhere."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from aiohttp import web

from backends.v2.endpoint import Area, Custom
from backends.v2.openapi import Json, document

DOCUMENT_PATH = "/docs/openapi.json"


def docs_area(others: Sequence[Area], version: str) -> Area:
    """The document over all areas, this one included, and the page; both are made once."""
    rendered = _Docs()
    area = Area("docs", "This API's description", tuple(rendered.routes()))
    rendered.make([*others, area], version)
    return area


class _Docs:
    def __init__(self) -> None:
        self._document: Json = {}
        self._page = ""

    def routes(self) -> list[Custom]:
        return [
            Custom(method="GET", path="/docs", serve=self.page, operation=_PAGE_OPERATION),
            Custom(method="GET", path=DOCUMENT_PATH, serve=self.document, operation=_DOCUMENT_OPERATION),
        ]

    def make(self, areas: Sequence[Area], version: str) -> None:
        self._document = document(areas, version)
        self._page = page(self._document)

    async def document(self, request: web.Request) -> web.Response:
        return web.json_response(self._document)

    async def page(self, request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return web.Response(text=self._page, content_type="text/html", headers=headers)


def page(described: Json) -> str:
    """The document as a page of HTML."""
    info = described["info"]
    sections = "".join(_section(tag, described) for tag in described["tags"])
    return _PAGE.format(
        title=escape(info["title"]),
        version=escape(info["version"]),
        description=escape(info["description"]),
        document=DOCUMENT_PATH,
        sections=sections,
    )


def _section(tag: Json, described: Json) -> str:
    rows = "".join(_row(method, path, operation) for method, path, operation in _operations(tag["name"], described))
    return f"<section><h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p><table>{rows}</table></section>"


def _operations(tag: str, described: Json) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method, path, operation


def _row(method: str, path: str, operation: dict[str, Any]) -> str:
    statuses = " ".join(operation["responses"])
    token = "" if operation.get("security") == [] else "token"
    return (
        f"<tr><td><b>{method.upper()}</b></td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(operation['summary'])}</td><td>{token}</td><td>{statuses}</td></tr>"
    )


_PAGE_OPERATION = {
    "operationId": "docs",
    "summary": "This description as a page",
    "security": [],
    "responses": {"200": {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}},
}

_DOCUMENT_OPERATION = {
    "operationId": "openapi",
    "summary": "This description as an OpenAPI document",
    "security": [],
    "responses": {
        "200": {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}}
    },
}

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }}
body {{ max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }}
h2 {{ margin: 2rem 0 0; }} section p {{ margin: 0 0 .5rem; opacity: .7; }}
table {{ width: 100%; border-collapse: collapse; }}
td {{ padding: .3rem .8rem .3rem 0; border-top: 1px solid #8884; vertical-align: top; }}
td:nth-child(1) {{ width: 5rem; }} td:nth-child(4), td:nth-child(5) {{ opacity: .6; white-space: nowrap; }}
</style>
<h1>{title} <small>{version}</small></h1>
<p>{description} The same as <a href="{document}">an OpenAPI document</a>.</p>
{sections}
</html>
"""
