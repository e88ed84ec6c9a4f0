"""Consumers for people: a table on a terminal, or comma-separated for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from gateway.cli.console import console

COLUMNS = ("migration", "consumer", "legacy", "successor", "refused", "served", "trend", "a day: before, now", "last")
FIELDS = (
    "migration", "consumer", "legacy", "successor", "refused", "served_by_successor",
    "course", "before_a_day", "recent_a_day", "first", "last", "endpoints",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet would compute; consumers choose their own names."""


def show(answer: Mapping[str, Any]) -> None:
    """Print a table, and how many it leaves out."""
    out = console()
    table = Table(*COLUMNS, box=None, padding=(0, 2), header_style="dim")
    for one in answer["consumers"]:
        table.add_row(*(Text(cell) for cell in _row(one)))
    out.print(table)
    left = answer["consumers_known"] - len(answer["consumers"])
    if left > 0:
        out.print(Text(f"and {left} more; --format csv has everybody", style="dim"))


def csv_text(consumers: Iterable[Mapping[str, Any]]) -> str:
    """Return all of it comma-separated (RFC 4180); a cell that could be a formula begins with an apostrophe."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(FIELDS)
    writer.writerows([safe(cell) for cell in _cells(one)] for one in consumers)
    return written.getvalue()


def safe(cell: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _row(one: Mapping[str, Any]) -> Sequence[str]:
    trend, served = one["trend"], one["served_by_successor"]
    counts = [str(one[side]) for side in ("legacy", "successor", "refused")]
    share = f"{served:.1%}" if served is not None else "-"
    paces = f"{trend['before']:g}, {trend['recent']:g}"
    return one["migration"], one["consumer"], *counts, share, trend["course"], paces, one["last"]


def _cells(one: Mapping[str, Any]) -> Sequence[str]:
    trend, served = one["trend"], one["served_by_successor"]
    endpoints = "; ".join(f"{label} {count}" for label, count in one["endpoints"].items())
    return (
        one["migration"],
        one["consumer"],
        *(str(one[side]) for side in ("legacy", "successor", "refused")),
        str(served) if served is not None else "",
        trend["course"],
        str(trend["before"]),
        str(trend["recent"]),
        one["first"],
        one["last"],
        endpoints,
    )
