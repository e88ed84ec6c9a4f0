"""Endpoints and routes in the order in which they are tried."""

from collections.abc import Iterable

from gateway.config.snapshot import Endpoint, Route, Router
from gateway.config.template import PathTemplate


def compile_router(endpoints: Iterable[Endpoint], routes: tuple[Route, ...]) -> Router:
    """Group endpoints by path: literal paths in a table, templates most specific first; routes keep their order."""
    exact: dict[str, dict[str, Endpoint]] = {}
    templates: dict[PathTemplate, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        if endpoint.template.is_literal:
            exact.setdefault(endpoint.template.text, {})[endpoint.method] = endpoint
        else:
            templates.setdefault(endpoint.template, {})[endpoint.method] = endpoint
    ordered = sorted(templates.items(), key=lambda entry: specificity(entry[0]))
    return Router(exact, tuple(ordered), routes)


def specificity(template: PathTemplate) -> tuple[int, ...]:
    """Return the sort key: at the first segment that differs, a literal beats a parameter beats a `{rest*}`."""
    ranks = tuple(0 if segment is not None else 1 for segment in template.segments)
    return ranks if template.rest is None else (*ranks, 2)
