"""The verbs that change something: `set`, `pause`, `resume`, `promote` and `rollback`."""

from collections.abc import Mapping
from typing import Any

import click

from gateway.cli.admin import call
from gateway.cli.rollout.option import migration_argument, verb

reason_option = click.option("--reason", required=True, help="Why, for the audit log.")


@click.command("set", short_help="Set the percent, now and on every gateway.")
@migration_argument
@click.argument("percent", type=click.FloatRange(0, 100))
@reason_option
@click.option("--yes", is_flag=True, help="Do not ask before a large jump.")
@verb
def set_percent(migration: str, percent: float, reason: str, yes: bool, admin: str, as_json: bool) -> None:
    """Set the percent of a migration's callers that the successor serves.

    Shows who moves, and asks before a jump of more than the file's `rollout.confirm` percent points.
    """
    from gateway.cli.rollout.text import print_preview

    before = call(admin, "GET", f"/api/rollouts/{migration}")
    jump = abs(percent - before["percent"])
    if jump > before["confirm"] and not yes:
        _preview_or_explain(admin, migration, percent, print_preview)
        question = f"Move {migration} from {before['percent']:g} % to {percent:g} %?"
        click.confirm(question, abort=True, err=True)
    body = {"percent": percent, "reason": reason}
    _done(call(admin, "POST", f"/api/rollouts/{migration}/set", body), as_json)


def _preview_or_explain(admin: str, migration: str, percent: float, show: Any) -> None:
    """Show who moves; a gateway whose ledger cannot be read still takes the change."""
    try:
        show(call(admin, "GET", f"/api/rollouts/{migration}/preview?percent={percent:g}"))
    except click.UsageError:
        raise
    except click.ClickException as error:
        click.echo(f"Who moves cannot be told: {error.format_message()}", err=True)


def _plain(name: str, words: str) -> click.Command:
    @click.command(name, short_help=words)
    @migration_argument
    @reason_option
    @verb
    def command(migration: str, reason: str, admin: str, as_json: bool) -> None:
        _done(call(admin, "POST", f"/api/rollouts/{migration}/{name}", {"reason": reason}), as_json)

    command.help = words
    return command


def _done(state: Mapping[str, Any], as_json: bool) -> None:
    from gateway.cli.rollout.text import print_json

    if as_json:
        print_json(state)
        return
    click.echo(f"{state['migration']}: {state['percent']:g} %, {state['state']}.")
    click.echo(f"The way back: crossfade rollout history {state['migration']}", err=True)


VERBS = (
    _plain("pause", "Keep the percent as it is: the ramp goes up no more until it is resumed."),
    _plain("resume", "Let the ramp go on from where it was paused or stopped."),
    _plain("promote", "Send everybody to the successor: 100 percent, and the ramp is done."),
    _plain("rollback", "Send everybody back to legacy: 0 percent, at once."),
)
