"""What all verbs with `-c FILE` share: the option, and a file that is either usable or explained."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.config.findings import ConfigError
    from gateway.config.load import Loaded
    from gateway.config.snapshot import Snapshot

INVALID = 2
"""Exit code for a configuration that cannot be used, and for a command line that cannot be."""

config_option = click.option(
    "-c",
    "--config",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The configuration file.",
)


def load_or_exit(path: Path) -> "Loaded":
    """Return the loaded file, or end with exit code 2 and every error on standard error."""
    from gateway.config.load import ConfigError, load

    try:
        return load(path)
    except ConfigError as error:
        refuse(error, path)
        raise SystemExit(INVALID) from None


def snapshot_or_exit(path: Path) -> "Snapshot":
    """Return the compiled file, or end with exit code 2 and every error on standard error."""
    from gateway.config.compile import compile_snapshot

    loaded = load_or_exit(path)
    return compile_snapshot(loaded.config, revision=1, digest=loaded.digest)


def refuse(error: "ConfigError", path: Path) -> None:
    """Say on standard error what is wrong with a file, and how much."""
    for finding in error.findings:
        click.echo(_marked(str(finding), finding.severity), err=True)
    errors = sum(finding.severity == "error" for finding in error.findings)
    click.echo(f"{path} cannot be used: {count(errors, 'error')}.", err=True)


def count(number: int, noun: str) -> str:
    """Return `1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _marked(line: str, severity: str) -> str:
    return line if severity == "error" else f"{line} ({severity})"
