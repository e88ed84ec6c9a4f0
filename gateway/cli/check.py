"""`crossfade check`: is this file good, and what is wrong with it."""

import json
from pathlib import Path

import click

from gateway.cli.configuration import count, load_or_exit


@click.command(short_help="Validate a configuration file.")
@click.option("-c", "--config", "path", type=click.Path(path_type=Path), metavar="FILE", help="The configuration file.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the file instead, for editors.")
def check(path: Path | None, schema: bool) -> None:
    """Validate a configuration file: every error with file, line and key path.

    Exit code 0: the file is valid (warnings do not count). Exit code 2: it is not.
    """
    if schema:
        _print_schema()
    elif path is None:
        raise click.UsageError("Name the file to check with -c FILE, or ask for --schema.")
    else:
        _check(path)


def _print_schema() -> None:
    from gateway.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _check(path: Path) -> None:
    loaded = load_or_exit(path)
    for warning in loaded.warnings:
        click.echo(f"{warning} ({warning.severity})")
    migrations = loaded.config.migrations.values()
    endpoints = sum(len(migration.endpoints) for migration in migrations)
    parts = [
        count(len(migrations), "migration"),
        count(endpoints, "endpoint"),
        count(len(loaded.config.routes), "route"),
        count(sum(warning.severity == "warning" for warning in loaded.warnings), "warning"),
    ]
    click.echo(f"{path} is valid: {', '.join(parts)}.")
