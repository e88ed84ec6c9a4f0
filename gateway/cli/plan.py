"""`crossfade plan`: what is migrated, how far, until when; and the guide for those who call it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.configuration import config_option, load_or_exit
from gateway.cli.moment import Stretch, at_option

if TYPE_CHECKING:
    from gateway.cli.planning import Plan


@click.command(short_help="Print what is migrated, how far, until when.")
@config_option
@click.option("--format", "form", type=click.Choice(["text", "md", "json"]), help="text if not given.")
@click.option("--for", "reader", type=click.Choice(["operators", "consumers"]), default="operators", show_default=True)
@at_option("What is answered on this day, or at this moment.")
def plan(path: Path, form: str | None, reader: str, at: Stretch | None) -> None:
    """Print the migration plan: mapping table, phases with dates, percent, who is pinned, the way back.

    With --at it begins with what legacy calls get then, and all of it is as of that date. With --for consumers it is
    the deprecation guide, in Markdown: what to call instead of each endpoint, and what changes in its messages.
    """
    from gateway.config.compile import compile_snapshot

    loaded = load_or_exit(path)
    snapshot = compile_snapshot(loaded.config, digest=loaded.digest)
    stretch = at if at is not None else Stretch.now()
    if reader == "consumers":
        from gateway.cli.guide.document import guide

        if form not in {None, "md"}:
            raise click.UsageError("The guide for consumers is Markdown: leave --format away.")
        click.echo(guide(snapshot, stretch.start))
        return
    from gateway.cli.planning import planned

    _print(planned(loaded.config, snapshot, stretch.start, at.end if at is not None else None), form)


def _print(document: "Plan", form: str | None) -> None:
    import json

    from gateway.cli import plan_document, plan_text

    match form:
        case "json":
            click.echo(json.dumps(document.plain(), indent=2, ensure_ascii=False))
        case "md":
            click.echo(plan_document.markdown(document))
        case _:
            if any(area.answers for area in document.migrations):
                plan_text.show_day(document)
            plan_text.show(document)
