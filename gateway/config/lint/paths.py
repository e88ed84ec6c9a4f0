"""Paths: can every endpoint and route be reached, and does every successor get its parameters?"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gateway.config.findings import Fault, KeyPath, dotted
from gateway.config.own_path import own_paths
from gateway.config.schema import Call, Config, Endpoint
from gateway.config.template import PathTemplate


@dataclass(frozen=True, slots=True)
class _Place:
    """A call and where the file says so."""

    call: Call
    path: KeyPath


def check(config: Config) -> Iterator[Fault]:
    """Yield duplicates, what an earlier line makes unreachable, and parameters that nobody fills in."""
    own = own_paths(config.realtime)
    endpoints: list[_Place] = []
    for name, migration in config.migrations.items():
        for position, endpoint in enumerate(migration.endpoints):
            place = _Place(endpoint.legacy, ("migrations", name, "endpoints", position, "legacy"))
            yield from _parameters(endpoint, place.path[:-1])
            yield from _own(place, own)
            yield from _duplicate(place, endpoints)
            endpoints.append(place)
    yield from _routes(config, endpoints, own)


def _routes(config: Config, endpoints: list[_Place], own: Collection[str]) -> Iterator[Fault]:
    earlier: list[_Place] = list(endpoints)
    names: dict[str, int] = {}
    for position, route in enumerate(config.routes):
        place = _Place(route.match, ("routes", position, "match"))
        yield from _own(place, own)
        yield from _shadow(place, earlier)
        earlier.append(place)
        first = names.setdefault(route.name, position)
        if first != position:
            yield Fault(
                ("routes", position, "name"), f"routes[{first}] is named '{route.name}' too; name one otherwise"
            )
        if route.name in config.migrations:
            message = f"a migration is named '{route.name}' too, and metrics would mix them; name one otherwise"
            yield Fault(("routes", position, "name"), message)


def _parameters(endpoint: Endpoint, path: KeyPath) -> Iterator[Fault]:
    given = endpoint.legacy.template.parameters
    missing = sorted(endpoint.successor.template.parameters - given)
    if missing:
        listed = ", ".join(f"{{{name}}}" for name in missing)
        has = ", ".join(f"{{{name}}}" for name in sorted(given)) or "none"
        message = f"uses {listed}, which the legacy path does not have; it has {has}: use the same names on both sides"
        yield Fault((*path, "successor"), message)


def _own(place: _Place, own: Collection[str]) -> Iterator[Fault]:
    if place.call.template.is_literal and place.call.template.text in own:
        yield Fault(place.path, f"'{place.call.template}' is answered by the gateway itself; choose another path")


def _duplicate(place: _Place, earlier: list[_Place]) -> Iterator[Fault]:
    """Endpoints are tried most specific first, so only one of the same shape can hide another."""
    for other in earlier:
        if place.call.method == other.call.method and _shape(place.call.template) == _shape(other.call.template):
            message = f"'{place.call}' is already at {dotted(other.path[:-1])} ('{other.call}'); keep one of the two"
            yield Fault(place.path, message)
            return


def _shadow(place: _Place, earlier: list[_Place]) -> Iterator[Fault]:
    for other in earlier:
        is_same_method = other.call.method is None or other.call.method == place.call.method
        if is_same_method and covers(other.call.template, place.call.template):
            is_duplicate = _shape(other.call.template) == _shape(place.call.template)
            what = "is the same as" if is_duplicate else "can never be reached after"
            where = f"{dotted(other.path[:-1])} ('{other.call}')"
            yield Fault(
                place.path, f"'{place.call}' {what} {where}; {'remove it' if is_duplicate else 'move it before'}"
            )
            return


def _shape(template: PathTemplate) -> tuple[tuple[str | None, ...], bool]:
    return template.segments, template.rest is not None


def covers(wide: PathTemplate, narrow: PathTemplate) -> bool:
    """Return whether `wide` matches every path that `narrow` matches."""
    reach = len(wide.segments)
    if wide.rest is None and (narrow.rest is not None or len(narrow.segments) != reach):
        return False
    if len(narrow.segments) < reach:
        return False
    # A parameter takes one non-empty segment, so it does not cover the empty literal after a trailing slash.
    return all(
        mine == other if mine is not None else other != ""
        for mine, other in zip(wide.segments, narrow.segments, strict=False)
    )
