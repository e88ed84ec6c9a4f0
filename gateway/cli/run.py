"""`crossfade run`: the gateway."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.configuration import INVALID, config_option, refuse

if TYPE_CHECKING:
    from gateway.server.control import Addresses


@click.command(short_help="Run the gateway.")
@config_option
def run(path: Path) -> None:
    """Run the gateway until SIGTERM or SIGINT; it rereads its file when that changes, and on SIGHUP.

    Requests are logged to standard output, one JSON object a line; everything else goes to standard error.
    """
    from gateway.cli.logs import log_to_console
    from gateway.config.load import ConfigError
    from gateway.server.process import run as serve

    log_to_console()
    try:
        code = serve(path, ready=_announce)
    except ConfigError as error:
        refuse(error, path)
        raise SystemExit(INVALID) from None
    except OSError as error:
        raise click.ClickException(f"The gateway cannot start: {error}. See server.listen in {path}.") from None
    raise SystemExit(code)


def _announce(addresses: "Addresses") -> None:
    click.echo(f"public endpoint: {addresses.public}", err=True)
    click.echo(f"admin listener: {addresses.admin}", err=True)
