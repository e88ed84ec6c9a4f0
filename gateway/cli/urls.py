"""Checks of the URLs that options take, so that a wrong one is named before anything starts."""

import click


def store_url(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Let through the URL of a document store."""
    return _starting(value, "sqlite:///", "mongodb://", "mongodb+srv://")


def redis_url(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Let through the URL of a Redis server."""
    return _starting(value, "redis://", "rediss://")


def _starting(value: str | None, *starts: str) -> str | None:
    if value is not None and not value.startswith(starts):
        raise click.BadParameter(f"{value!r} does not start with {' or '.join(starts)}.")
    return value
