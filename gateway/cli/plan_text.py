"""The migration plan on a terminal."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.cli.console import console
from gateway.cli.planning import Answered, Area, Mapped, Plan, Staying, Window

ENDPOINT_COLUMNS = ("legacy", "successor", "adapter", "auth", "quotas")
ROUTE_COLUMNS = ("route", "match", "upstream", "auth")
ANSWER_COLUMNS = ("legacy calls of", "from", "until", "phase", "are answered", "except for")


def show(plan: Plan) -> None:
    """Print the plan on standard output."""
    out = console()
    for area in plan.migrations:
        out.print(Text(headline(area), style="bold"))
        for line in facts(area):
            out.print(Text(f"  {line}"))
        _print_table(out, ENDPOINT_COLUMNS, map(endpoint_row, area.endpoints))
    if plan.routes:
        out.print(Text("Not migrated", style="bold"))
        _print_table(out, ROUTE_COLUMNS, map(route_row, plan.routes))


def show_day(plan: Plan) -> None:
    """Print what is answered on the day that was asked about."""
    out = console()
    out.print(Text(f"What legacy calls get, {plan.at}", style="bold"))
    _print_table(out, ANSWER_COLUMNS, (answer_row(one) for area in plan.migrations for one in area.answers))


def headline(area: Area) -> str:
    """Return a migration in one line."""
    return f"{area.name}: {area.title}, {area.percent:g} % of {area.legacy} on {area.successor}"


def facts(area: Area) -> list[str]:
    """Return the plan's lines besides the mapping table."""
    found = [f"split by {', '.join(area.by)} with salt {area.salt}"]
    found += [f"pinned: {pin}" for pin in area.pins]
    if area.ramp is not None:
        steps = ", ".join(f"{step:g}" for step in area.ramp.steps)
        found.append(f"ramp: {steps} %, at least {area.ramp.bake:g} s each; when a gate fails: {area.ramp.on_fail}")
    if area.phase is None and not area.exceptions:
        return [*found, "no deprecation dates"]
    if area.phase is not None:
        found.append(f"phase {area.phase}: {_listed(area.dates)}")
    found += [f"{label} has its own: {_listed(dates)}" for label, dates in area.exceptions.items()]
    return [*found, *(_window(window) for window in (*area.brownouts, *area.extensions))]


def answer_row(answered: Answered) -> tuple[str, ...]:
    """Return a line of the day's table."""
    spared = f"{', '.join(answered.spared)}: normally" if answered.spared else "-"
    return answered.what, answered.start, answered.end, answered.phase, answered.answer, spared


def endpoint_row(endpoint: Mapped) -> tuple[str, ...]:
    """Return a line of the mapping table."""
    quotas = ", ".join(endpoint.quotas) or "-"
    return endpoint.legacy, endpoint.successor, endpoint.adapter or "-", _entry(endpoint), quotas


def route_row(route: Staying) -> tuple[str, ...]:
    """Return a line of the table of what is not migrated."""
    return route.name, route.match, route.upstream, _entry(route)


def _listed(dates: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {date}" for name, date in dates.items())


def _window(window: Window) -> str:
    if window.start is None:
        return f"extension: {window.name} until {window.end}"
    return f"{window.name}: {window.start} until {window.end}"


def _entry(place: Mapped | Staying) -> str:
    return f"{place.auth}, {place.require}" if place.require is not None else place.auth


def _print_table(out: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(*columns, box=None, padding=(0, 2), header_style="dim")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)
    out.print()
