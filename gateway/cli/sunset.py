"""`crossfade sunset`: extensions for consumers and brownouts of a running gateway, over the admin API."""

import click

from gateway.cli.admin import admin_option, call
from gateway.cli.moment import Stretch, at_option
from gateway.cli.rollout.option import json_option, migration_argument

reason_option = click.option("--reason", required=True, help="Why, for the audit log.")
start_option = at_option("When the brownout begins.", is_required=True)


@click.group(short_help="Put the end off: extensions for consumers, brownouts that do not take place.")
def sunset() -> None:
    """Put the end off, for one consumer or for an hour.

    Exit code 0: done. Exit code 1: the gateway cannot be reached, or refuses. Exit code 2: the command line is wrong.
    """


@sunset.command("list")
@json_option
@admin_option
def listed(as_json: bool, admin: str) -> None:
    """Print the extensions in force and the brownouts that are not over."""
    import json

    found = {**call(admin, "GET", "/api/extensions"), **call(admin, "GET", "/api/brownouts")}
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for one in found["extensions"]:
        why = f", {one['why']}" if one["why"] else ""
        click.echo(f"{one['migration']}: {one['consumer']} until {one['until']} (by {one['who']}{why}), id {one['id']}")
    for one in found["brownouts"]:
        state = "cancelled" if one["cancelled"] else "takes place"
        click.echo(f"{one['migration']}: brownout {one['at']} to {one['until']} {state}")


@sunset.command()
@migration_argument
@click.argument("consumer")
@at_option("Until when.", name="until", is_required=True)
@reason_option
@admin_option
def extend(migration: str, consumer: str, until: Stretch, reason: str, admin: str) -> None:
    """Let a consumer go on after `gone`, until a date. `removed` ends it, too."""
    from gateway.core.http import iso_time

    body = {"migration": migration, "consumer": consumer, "until": iso_time(until.start), "reason": reason}
    done = call(admin, "POST", "/api/extensions", body)
    click.echo(f"{done['consumer']} is served by {done['migration']} until {done['until']}.")
    click.echo(f"The way back: crossfade sunset withdraw {done['id']}")
    if "note" in done:
        click.echo(f"Note: {done['note']}.", err=True)


@sunset.command()
@click.argument("number", metavar="ID")
@reason_option
@admin_option
def withdraw(number: str, reason: str, admin: str) -> None:
    """Take an extension back, also one of the file's. `crossfade sunset list` shows the ids."""
    from urllib.parse import quote

    done = call(admin, "DELETE", f"/api/extensions/{quote(number, safe='')}", {"reason": reason})
    click.echo(f"{done['consumer']} has no extension in {done['migration']} any more.")


@sunset.command()
@migration_argument
@start_option
@reason_option
@admin_option
def cancel(migration: str, at: Stretch, reason: str, admin: str) -> None:
    """Have a brownout not take place, or end at once."""
    click.echo(_switched("cancel", migration, at, reason, admin) + " does not take place.")


@sunset.command()
@migration_argument
@start_option
@reason_option
@admin_option
def restore(migration: str, at: Stretch, reason: str, admin: str) -> None:
    """Have a cancelled brownout take place after all."""
    click.echo(_switched("restore", migration, at, reason, admin) + " takes place.")


def _switched(verb: str, migration: str, at: Stretch, reason: str, admin: str) -> str:
    from gateway.core.http import iso_time

    body = {"migration": migration, "at": iso_time(at.start), "reason": reason}
    done = call(admin, "POST", f"/api/brownouts/{verb}", body)
    return f"The brownout of {done['migration']}, {done['at']} to {done['until']},"
