"""`crossfade watch`: follow realtime topics on the terminal."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

TOKEN_VARIABLE = "CROSSFADE_TOKEN"
DEFAULT_URL = "http://127.0.0.1:8080/ws"


@click.command(short_help="Follow realtime topics on the terminal.")
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC…")
@click.option("--url", default=DEFAULT_URL, show_default=True, help="The gateway's WebSocket.")
@click.option("--token", envvar=TOKEN_VARIABLE, required=True, help=f"A user's token; also from {TOKEN_VARIABLE}.")
@click.option("--json", "is_raw", is_flag=True, help="Print messages as they came, one a line.")
@click.option("--insecure", is_flag=True, help="Do not verify the certificate of an https URL.")
def watch(topics: tuple[str, ...], url: str, token: str, is_raw: bool, insecure: bool) -> None:
    """Follow topics such as quotes:600519, through restarts of the backend and of the gateway.

    Messages go to standard output, remarks about the connection to standard error. It comes back by itself, with the
    last position of each topic, and says so when something in between is lost. Exit code 0: all topics are complete, or
    Ctrl-C. Exit code 1: a topic is refused, the token is no good, or the gateway does not want it back.
    """
    import asyncio
    from random import Random

    from gateway.cli.watching import Watcher, WatchError

    def show(said: Mapping[str, Any]) -> None:
        click.echo(line(said, is_raw=is_raw))

    watcher = Watcher(url, token, topics, show, lambda text: click.echo(f"· {text}", err=True), Random(), not insecure)
    try:
        asyncio.run(watcher.run())
    except WatchError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        return


def line(said: Mapping[str, Any], *, is_raw: bool) -> str:
    """Return a message as one line: its time, topic and offset, then its data."""
    import orjson

    if is_raw:
        return orjson.dumps(said).decode()
    at = datetime.fromtimestamp(said["ts"] / 1000, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
    data = said["data"]
    told = "  ".join(f"{name}={value}" for name, value in data.items()) if isinstance(data, dict) else str(data)
    return f"{at}  {said['topic']}  #{said['offset']}  {told}"
