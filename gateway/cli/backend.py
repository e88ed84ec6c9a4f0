"""`crossfade backend`: one of the reference backends as a process."""

import logging
import os
import sqlite3
from typing import TYPE_CHECKING

import click

from gateway.cli.urls import redis_url, store_url

if TYPE_CHECKING:
    from backends.domain.platform import Settings

DEFAULT_PORTS = {"v1": 8000, "v2": 3001}


@click.command(short_help="Run one of the reference backends.")
@click.argument("side", type=click.Choice(["v1", "v2"]))
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="v1: 8000, v2: 3001; 0 takes a free one.")
@click.option(
    "--store",
    default="sqlite:///var/platform.db",
    show_default=True,
    callback=store_url,
    metavar="URL",
    help="mongodb://… or sqlite:///FILE.",
)
@click.option(
    "--redis",
    default="redis://127.0.0.1:6379/0",
    show_default=True,
    callback=redis_url,
    metavar="URL",
    help="redis://…",
)
def backend(side: str, host: str, port: int | None, store: str, redis: str) -> None:
    """Run one of the reference backends. The environment's JWT_SECRET signs its tokens."""
    from pymongo.errors import PyMongoError

    from backends.domain.platform import Settings
    from gateway.cli.logs import log_to_stderr

    secret = os.environ.get("JWT_SECRET")
    if not secret:
        raise click.UsageError("Set JWT_SECRET in the environment: both backends and the gateway need the same one.")
    log_to_stderr(logging.WARNING)
    try:
        _serve(side, Settings(store, redis, secret), host, DEFAULT_PORTS[side] if port is None else port)
    except (OSError, sqlite3.Error, PyMongoError) as error:
        raise click.ClickException(f"{side} cannot start: {error}") from None


def _serve(side: str, settings: "Settings", host: str, port: int) -> None:
    import uvloop

    from backends import v1, v2

    def announce(actual: int) -> None:
        click.echo(f"{side} serves http://{host}:{actual}", err=True)

    serve = v1.serve if side == "v1" else v2.serve
    uvloop.run(serve(settings, host=host, port=port, ready=announce))
