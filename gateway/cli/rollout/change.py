"""The verbs that change something: `set`, `pause`, `resume`, `promote` and `rollback`."""

import math
from collections.abc import Mapping
from typing import Any

import click

from gateway.cli.admin import call
from gateway.cli.rollout.option import migration_argument, verb

reason_option = click.option("--reason", required=True, help="Why, for the audit log.")


yes_option = click.option("--yes", is_flag=True, help="Do not ask before a large jump.")
TOP = 100.0


def _finite(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if math.isnan(value):  # FloatRange lets it through
        raise click.BadParameter("nan is no percent.")
    return value


@click.command("set", short_help="Set the percent, now and on every gateway.")
@migration_argument
@click.argument("percent", type=click.FloatRange(0, TOP), callback=_finite)
@reason_option
@yes_option
@verb
def set_percent(migration: str, percent: float, reason: str, yes: bool, admin: str, as_json: bool) -> None:
    """Set the percent of a migration's callers that the successor serves.

    Shows who moves, and asks before a jump of more than the file's `rollout.confirm` percent points.
    """
    before = _consider(admin, migration, percent, yes=yes)
    _done(_do(admin, migration, "set", {"percent": percent, "reason": reason}), as_json, _set_back(before))


@click.command(short_help="Send everybody to the successor: 100 percent, and the ramp is done.")
@migration_argument
@reason_option
@yes_option
@verb
def promote(migration: str, reason: str, yes: bool, admin: str, as_json: bool) -> None:
    """Send everybody to the successor: 100 percent, and the ramp is done. Shows who moves and asks, as `set` does."""
    before = _consider(admin, migration, TOP, yes=yes)
    _done(_do(admin, migration, "promote", {"reason": reason}), as_json, _set_back(before))


@click.command(short_help="Send everybody back to legacy: 0 percent, at once.")
@migration_argument
@reason_option
@verb
def rollback(migration: str, reason: str, admin: str, as_json: bool) -> None:
    """Send everybody back to legacy: 0 percent, at once. Nothing is asked: it is the way to safety."""
    before = call(admin, "GET", f"/api/rollouts/{migration}")
    _done(_do(admin, migration, "rollback", {"reason": reason}), as_json, _set_back(before))


@click.command(short_help="Keep the percent as it is: the ramp goes up no more until it is resumed.")
@migration_argument
@reason_option
@verb
def pause(migration: str, reason: str, admin: str, as_json: bool) -> None:
    """Keep the percent as it is: the ramp goes up no more until it is resumed. It still goes down by itself."""
    done = _do(admin, migration, "pause", {"reason": reason})
    _done(done, as_json, f"crossfade rollout resume {migration} --reason …")


@click.command(short_help="Let the ramp go on from where it was paused or stopped.")
@migration_argument
@reason_option
@verb
def resume(migration: str, reason: str, admin: str, as_json: bool) -> None:
    """Let the ramp go on from where it was paused or stopped."""
    done = _do(admin, migration, "resume", {"reason": reason})
    _done(done, as_json, f"crossfade rollout pause {migration} --reason …")


def _consider(admin: str, migration: str, percent: float, *, yes: bool) -> Mapping[str, Any]:
    """Show who would move, ask where many may, and return the state as it is; answers have standard output alone."""
    from gateway.cli.rollout.text import print_preview

    before: Mapping[str, Any] = call(admin, "GET", f"/api/rollouts/{migration}")
    try:
        found = call(admin, "GET", f"/api/rollouts/{migration}/preview?percent={percent:g}")
    except click.UsageError:
        raise
    except click.ClickException as error:
        # A gateway whose ledger cannot be read still takes the change.
        click.echo(f"Who moves cannot be told: {error.format_message()}", err=True)
    else:
        print_preview(found, stderr=True)
    if abs(percent - before["percent"]) > before["confirm"] and not yes:
        click.confirm(f"Move {migration} from {before['percent']:g} % to {percent:g} %?", abort=True, err=True)
    return before


def _do(admin: str, migration: str, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    done: Mapping[str, Any] = call(admin, "POST", f"/api/rollouts/{migration}/{name}", body)
    return done


def _set_back(before: Mapping[str, Any]) -> str:
    return f"crossfade rollout set {before['migration']} {before['percent']:g} --reason …"


def _done(state: Mapping[str, Any], as_json: bool, way_back: str) -> None:
    from gateway.cli.rollout.text import print_json

    if as_json:
        print_json(state)
    else:
        click.echo(f"{state['migration']}: {state['percent']:g} %, {state['state']}.")
    click.echo(f"The way back: {way_back}", err=True)


VERBS = (pause, resume, promote, rollback)
