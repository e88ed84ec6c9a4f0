"""`crossfade consumers`: who still calls the legacy contract, over the admin API."""

import click

from gateway.cli.admin import admin_option, call
from gateway.cli.rollout.option import complete_migration

EVERYBODY = 1_000_000
SHOWN = 50


@click.command(short_help="Who still calls the legacy contract, and who has reacted.")
@click.argument("migration", required=False, shell_complete=complete_migration)
@click.option("--since", default="30d", show_default=True, metavar="DURATION", help="How far back, in days.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@admin_option
def consumers(migration: str | None, since: str, form: str, admin: str) -> None:
    """Print who calls what, how often, when last, how much of it the successor serves, and whether they have reacted.

    The table shows the fifty that call most; CSV and JSON have everybody, for a mail merge. Exit code 1: the gateway
    cannot be reached, or refuses. Exit code 2: the command line is wrong.
    """
    import json
    from urllib.parse import urlencode

    from gateway.cli import consumer_text

    asked = {"migration": migration, "since": since, "limit": SHOWN if form == "table" else EVERYBODY}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    answer = call(admin, "GET", f"/api/consumers?{query}")
    match form:
        case "csv":
            click.echo(consumer_text.csv_text(answer["consumers"]), nl=False)
        case "json":
            click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        case _:
            consumer_text.show(answer)
