"""`crossfade revoke`: refuse tokens before they expire."""

import click

from gateway.cli.admin import admin_option, call


@click.command(short_help="Refuse a token, or all that a subject has, before they expire.")
@click.option("--jti", help="The token with this jti.")
@click.option("--sub", help="Every token of this subject that was issued until now.")
@click.option("--before", metavar="ISO", help="With --sub: only those issued before this date or time.")
@click.option("--for", "kept", metavar="DURATION", help="For how long, such as 12h: as long as the tokens live.")
@click.option("--reason", required=True, help="Why, for the log.")
@admin_option
def revoke(jti: str | None, sub: str | None, before: str | None, kept: str | None, reason: str, admin: str) -> None:
    """Refuse tokens from now on, on every gateway that shares the Redis of the one that is asked.

    Exit code 0: done. Exit code 1: the gateway cannot be reached or refuses. Exit code 2: the command line is wrong.
    """
    if (jti is None) == (sub is None):
        raise click.UsageError("Name either --jti or --sub.")
    if before is not None and sub is None:
        raise click.UsageError("--before goes with --sub.")
    asked = {"jti": jti, "sub": sub, "before": before, "for": kept, "reason": reason}
    done = call(admin, "POST", "/api/revocations", {name: text for name, text in asked.items() if text is not None})
    what = f"token {jti}" if jti is not None else f"tokens of {sub} issued before {done['before']}"
    click.echo(f"Refused until {done['until']} by {done['reach']}: {what}.")
    click.echo(f"The way back: DELETE {admin}/api/revocations/{done['id']}")
    if "note" in done:
        click.echo(f"Note: {done['note']}.", err=True)
