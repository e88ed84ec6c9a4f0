"""Nobody can tell from the answers who served a legacy call: all 29 endpoints, at 0 % and at 100 %."""

import json
from typing import Any

import pytest

from .client import Answer, Client
from .conftest import System
from .legacy_calls import AREAS, Call

CALLS = [pytest.param(area, call, id=f"{area}: {call}") for area, found in AREAS.items() for call in found.calls]


def shape(value: Any) -> Any:
    """Return the keys, types and nesting of a JSON value; a list has the set of its items' shapes."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in sorted(value.items())}
    if isinstance(value, list):
        return sorted({json.dumps(shape(item), sort_keys=True) for item in value})
    return type(value).__name__


def without(value: Any, names: frozenset[str]) -> Any:
    """Return the value with the members that vary left out, at any depth."""
    if isinstance(value, dict):
        return {name: without(member, names) for name, member in value.items() if name not in names}
    if isinstance(value, list):
        return [without(item, names) for item in value]
    return value


def filled(value: Any, prepared: dict[str, str]) -> Any:
    """Put what was prepared in the place of `{name}`."""
    if isinstance(value, dict):
        return {name: filled(member, prepared) for name, member in value.items()}
    if isinstance(value, str):
        for name, text in prepared.items():
            value = value.replace("{" + name + "}", text)
    return value


async def perform(system: System, client: Client, call: Call) -> Answer:
    prepared = await call.prepare(client)
    if call.fault:
        await system.break_backends(call.method, call.target)
    try:
        return await client.call(
            call.method,
            filled(call.target, prepared),
            body=filled(call.body, prepared),
            raw=call.raw,
            user=filled(call.as_user, prepared),
        )
    finally:
        if call.fault:
            await system.mend_backends()


def test_every_migrated_endpoint_is_called_for_success_and_for_an_error(system: System) -> None:
    by_endpoint: dict[str, set[bool]] = {}
    for area in AREAS.values():
        for call in area.calls:
            by_endpoint.setdefault(call.endpoint, set()).add(call.status < 400)
    assert set(by_endpoint) == set(system.legacy_endpoints)
    assert len(by_endpoint) == 29
    assert all(kinds == {True, False} for kinds in by_endpoint.values())


@pytest.mark.parametrize(("area", "call"), CALLS)
async def test_both_sides_give_the_same_answer(system: System, area: str, call: Call) -> None:
    legacy = await perform(system, system.at_zero, call)
    successor = await perform(system, system.at_hundred, call)
    assert (legacy.headers["x-served-by"], successor.headers["x-served-by"]) == ("v1", "v2")
    assert (legacy.status, successor.status) == (call.status, call.status), (legacy.text, successor.text)
    assert legacy.headers["content-type"] == successor.headers["content-type"]
    assert shape(legacy.body) == shape(successor.body)
    varies = AREAS[area].varies | call.varies
    assert without(legacy.body, varies) == without(successor.body, varies)
