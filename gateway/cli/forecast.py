"""`crossfade forecast`: whom the next dates will hit, over the admin API."""

from collections.abc import Mapping
from typing import Any

import click

from gateway.cli.admin import admin_option, call
from gateway.cli.moment import Stretch, at_option
from gateway.cli.rollout.option import complete_migration, json_option


@click.command(short_help="Whom the next dates will hit, by name, from the ledger.")
@click.argument("migration", required=False, shell_complete=complete_migration)
@at_option("Only what will have changed by then.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="So many consumers are named.")
@json_option
@admin_option
def forecast(migration: str | None, at: Stretch | None, limit: int, as_json: bool, admin: str) -> None:
    """Print for every coming change of a phase who will get another answer, and how many requests a day that is.

    It goes by the callers of the last seven days and by the live dates: extensions and cancelled brownouts included.
    """
    import json
    from urllib.parse import urlencode

    from gateway.core.http import iso_time

    moment = iso_time(at.start) if at is not None else None
    asked = {"migration": migration, "at": moment, "limit": limit}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    answer = call(admin, "GET", f"/api/forecast?{query}")
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    for change in answer["changes"]:
        _show(change)
    if not answer["changes"]:
        click.echo("No date lies ahead.")


def _show(change: Mapping[str, Any]) -> None:
    click.echo(sentence(change))
    for hit in change["named"]:
        click.echo(f"  {hit['consumer']}: {_figure(hit['requests_a_day'])} a day, {', '.join(hit['endpoints'])}")
    if change["and_others"]:
        click.echo(f"  and {change['and_others']} more")
    if change["unnamed_requests_a_day"]:
        click.echo(f"  and {_figure(change['unnamed_requests_a_day'])} a day of callers without a name")


def sentence(change: Mapping[str, Any]) -> str:
    """Return a change in one line."""
    count = change["consumers"]
    when = change["at"].removesuffix("T00:00:00Z")
    until = f" until {change['until']}" if change["until"] is not None else ""
    who = f"{count} consumer{'' if count == 1 else 's'} with {_figure(change['requests_a_day'])} requests a day"
    what = change["answer"] if change["status"] is not None else "warning headers"
    return f"{when}{until}, {change['migration']}: {who} will get {what}"


def _figure(number: float) -> str:
    """Return a number with thin groups: 3 412."""
    return f"{number:,.0f}".replace(",", " ") if number >= 10 else f"{number:g}"
