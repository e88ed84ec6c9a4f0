"""The migration plan for people: on a terminal, or as Markdown to paste into a page."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.cli.console import console
from gateway.cli.planning import Area, Mapped, Plan, Staying, Window

ENDPOINT_COLUMNS = ("legacy", "successor", "adapter", "auth", "quotas")
ROUTE_COLUMNS = ("route", "match", "upstream", "auth")


def show(plan: Plan) -> None:
    """Print the plan on standard output."""
    out = console()
    for area in plan.migrations:
        out.print(Text(_headline(area), style="bold"))
        for line in _facts(area):
            out.print(Text(f"  {line}"))
        _print_table(out, ENDPOINT_COLUMNS, (_endpoint_row(endpoint) for endpoint in area.endpoints))
    if plan.routes:
        out.print(Text("Not migrated", style="bold"))
        _print_table(out, ROUTE_COLUMNS, (_route_row(route) for route in plan.routes))


def markdown(plan: Plan) -> str:
    """Return the plan as Markdown."""
    blocks = [f"# Migration plan, {plan.at} (configuration {plan.digest})"]
    for area in plan.migrations:
        blocks.append(f"## {_headline(area)}")
        blocks.append("\n".join(f"- {line}" for line in _facts(area)))
        blocks.append(_pipes(ENDPOINT_COLUMNS, (_endpoint_row(endpoint) for endpoint in area.endpoints)))
    if plan.routes:
        blocks.append("## Not migrated")
        blocks.append(_pipes(ROUTE_COLUMNS, (_route_row(route) for route in plan.routes)))
    return "\n\n".join(blocks)


def _headline(area: Area) -> str:
    return f"{area.name}: {area.title}, {area.percent:g} % of {area.legacy} on {area.successor}"


def _facts(area: Area) -> list[str]:
    """Return the plan's lines besides the mapping table."""
    facts = [f"split by {', '.join(area.by)} with salt {area.salt}"]
    facts += [f"pinned: {pin}" for pin in area.pins]
    if area.phase is None:
        return [*facts, "no deprecation dates"]
    facts.append(f"phase {area.phase}: {', '.join(f'{name} {date}' for name, date in area.dates.items())}")
    facts += [f"{_window(window)}" for window in (*area.brownouts, *area.extensions)]
    return facts


def _window(window: Window) -> str:
    if window.start is None:
        return f"extension: {window.name} until {window.end}"
    return f"{window.name}: {window.start} until {window.end}"


def _endpoint_row(endpoint: Mapped) -> tuple[str, ...]:
    quotas = ", ".join(endpoint.quotas) or "-"
    return endpoint.legacy, endpoint.successor, endpoint.adapter or "-", _entry(endpoint), quotas


def _route_row(route: Staying) -> tuple[str, ...]:
    return route.name, route.match, route.upstream, _entry(route)


def _entry(place: Mapped | Staying) -> str:
    return f"{place.auth}, {place.require}" if place.require is not None else place.auth


def _print_table(out: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(*columns, box=None, padding=(0, 2), header_style="dim")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)
    out.print()


def _pipes(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    # A method pattern such as GET|POST would end its cell.
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
