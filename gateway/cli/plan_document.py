"""The migration plan as a document: what goes where, how far, until when, and the way back from each step."""

from collections.abc import Iterator

from gateway.cli.markdown import document, table, ticked
from gateway.cli.plan_text import (
    ANSWER_COLUMNS,
    ENDPOINT_COLUMNS,
    ROUTE_COLUMNS,
    answer_row,
    endpoint_row,
    facts,
    headline,
    route_row,
)
from gateway.cli.planning import Area, Plan

SUMMARY = ("migration", "from", "to", "percent", "phase", "deprecated", "gone", "removed")
PHASES = (
    ("announced", "normally, with a link to the guide"),
    ("deprecated", "normally, with `Deprecation`, `Sunset` and `Link`"),
    ("gone", "410, except for consumers with an extension"),
    ("removed", "404; the legacy side gets nothing any more"),
)


def markdown(plan: Plan) -> str:
    """Return the plan as Markdown."""
    return document(
        [
            f"# Migration plan, {plan.at}",
            table(SUMMARY, map(_summary, plan.migrations)),
            *_day(plan),
            *(block for area in plan.migrations for block in _chapter(area)),
            *_staying(plan),
        ]
    )


def _summary(area: Area) -> tuple[str, ...]:
    dates = (area.dates.get(name, "-") for name in ("deprecated", "gone", "removed"))
    return (area.name, area.legacy, area.successor, f"{area.percent:g} %", area.phase or "-", *dates)


def _day(plan: Plan) -> Iterator[str]:
    rows = [answer_row(one) for area in plan.migrations for one in area.answers]
    if rows:
        yield "## What legacy calls get"
        yield table(ANSWER_COLUMNS, rows)


def _chapter(area: Area) -> Iterator[str]:
    yield f"## {headline(area)}"
    yield "\n".join(f"- {line}" for line in facts(area))
    yield table(ENDPOINT_COLUMNS, map(endpoint_row, area.endpoints))
    if area.dates:
        yield table(("phase", "from", "legacy calls are answered"), _phases(area))
    yield "The way back:"
    yield "\n".join(f"{number}. {step}" for number, step in enumerate(_rollback(area), 1))


def _phases(area: Area) -> Iterator[tuple[str, ...]]:
    for name, answered in PHASES:
        if name in area.dates:
            yield name, area.dates[name], answered


def _rollback(area: Area) -> Iterator[str]:
    """Yield what to do, the quickest first."""
    back = ticked(f'crossfade rollout rollback {area.name} --reason "…"')
    yield f"{back}: from the next request on nobody but pinned callers is served by {area.successor}."
    path = f"migrations.{area.name}.rollout.percent"
    yield f"Or `{path}: 0` in the file, which is reread within a second. Buckets stay: the same callers come back."
    pins = [str(pin) for pin in area.pins if pin.to == "successor"]
    if pins:
        yield f"Pins to {area.successor} still hold: take {', '.join(pins)} out of the file as well."
    if "gone" in area.dates:
        extend = ticked(f'crossfade sunset extend {area.name} CONSUMER --until DATE --reason "…"')
        yield f"After {area.dates['gone']}: {extend} serves one consumer again; a later `gone` in the file serves all."
    if area.brownouts:
        cancel = ticked(f'crossfade sunset cancel {area.name} --at {area.brownouts[0].start} --reason "…"')
        yield f"A brownout that hurts: {cancel}, before it or while it lasts."
    if "removed" in area.dates:
        yield f"After {area.dates['removed']}: a later `removed` in the file, as long as {area.legacy} still runs."


def _staying(plan: Plan) -> Iterator[str]:
    if plan.routes:
        yield "## Not migrated"
        yield table(ROUTE_COLUMNS, map(route_row, plan.routes))
