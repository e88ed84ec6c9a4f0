"""The verbs that only look: `list`, `show`, `preview` and `history`."""

import click

from gateway.cli.admin import call
from gateway.cli.rollout.option import migration_argument, verb


@click.command("list", short_help="Every migration with its percent and state.")
@verb
def listed(admin: str, as_json: bool) -> None:
    """Print every migration: the live percent, the file's, the state and the last verdict."""
    from gateway.cli.rollout.text import print_json, print_list

    answer = call(admin, "GET", "/api/rollouts")
    (print_json if as_json else print_list)(answer)


@click.command(short_help="One migration: percent, step, verdict, figures of both sides.")
@migration_argument
@verb
def show(migration: str, admin: str, as_json: bool) -> None:
    """Print everything about one migration's rollout."""
    from gateway.cli.rollout.text import print_json, print_rollout

    answer = call(admin, "GET", f"/api/rollouts/{migration}")
    (print_json if as_json else print_rollout)(answer)


@click.command(short_help="Who moves if the percent changes.")
@migration_argument
@click.argument("percent", type=click.FloatRange(0, 100))
@verb
def preview(migration: str, percent: float, admin: str, as_json: bool) -> None:
    """Print who would move, from the last day's callers; nothing is changed."""
    from gateway.cli.rollout.text import print_json, print_preview

    answer = call(admin, "GET", f"/api/rollouts/{migration}/preview?percent={percent:g}")
    (print_json if as_json else print_preview)(answer)


@click.command(short_help="The audit log: when, who, what, from, to, why.")
@click.argument("migration", required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--before", type=click.IntRange(1), help="Only events before this number.")
@verb
def history(migration: str | None, limit: int, before: int | None, admin: str, as_json: bool) -> None:
    """Print what was changed, newest first."""
    from urllib.parse import urlencode

    from gateway.cli.rollout.text import print_events, print_json

    asked = {"migration": migration, "limit": limit, "before": before}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    answer = call(admin, "GET", f"/api/events?{query}")
    (print_json if as_json else print_events)(answer)
