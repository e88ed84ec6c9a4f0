"""`crossfade demo`: the whole reference system on one machine, for as long as the command runs."""

import click

from gateway.cli.urls import redis_url, store_url

PORT = click.IntRange(0, 65535)


@click.command(short_help="v1, v2 and the gateway on this machine, until Ctrl-C.")
@click.option("--port", type=PORT, default=8080, show_default=True, help="The public endpoint's port; 0: a free one.")
@click.option("--admin-port", type=PORT, default=9901, show_default=True, help="The admin listener's port.")
@click.option("--traffic", type=click.IntRange(1, 2000), metavar="RPS", help="Keep mixed traffic going.")
@click.option("--store", callback=store_url, metavar="URL", help="Your database instead of a fresh SQLite file.")
@click.option("--redis", callback=redis_url, metavar="URL", help="Your Redis instead of the embedded Valkey.")
@click.option("--keep", is_flag=True, help="Go on with the last demo's SQLite file, and keep it at the end.")
@click.option("--break-v2", "break_v2", is_flag=True, help="Show a ramp that meets a broken v2, in two minutes.")
def demo(
    port: int,
    admin_port: int,
    traffic: int | None,
    store: str | None,
    redis: str | None,
    keep: bool,
    break_v2: bool,
) -> None:
    """Run v1, v2, their database and cache, and the gateway on this machine. Ctrl-C ends all of it.

    With --break-v2 the ramp of the watchlist runs in seconds in place of hours (and there is traffic of 50 requests a
    second, if no other was asked for); v2 breaks and is mended, and what the controller does about it is told.

    The signing secret is JWT_SECRET from the environment where it is set, else a random one.
    """
    import asyncio

    from gateway.cli.demo.performance import Wishes, perform

    raise SystemExit(asyncio.run(perform(Wishes(port, admin_port, traffic, store, redis, keep, break_v2))))
