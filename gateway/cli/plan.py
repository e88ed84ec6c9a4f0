"""`crossfade plan`: what is migrated, how far, until when."""

from pathlib import Path

import click

from gateway.cli.configuration import config_option, snapshot_or_exit


@click.command(short_help="Print what is migrated, how far, until when.")
@config_option
@click.option("--format", "form", type=click.Choice(["text", "md", "json"]), default="text", show_default=True)
def plan(path: Path, form: str) -> None:
    """Print the migration plan: mapping table, phases with dates, percent, who is pinned."""
    import json
    import time

    from gateway.cli import plan_text
    from gateway.cli.planning import planned

    document = planned(snapshot_or_exit(path), time.time())
    match form:
        case "json":
            click.echo(json.dumps(document.plain(), indent=2, ensure_ascii=False))
        case "md":
            click.echo(plan_text.markdown(document))
        case _:
            plan_text.show(document)
