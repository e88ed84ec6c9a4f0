"""The console that verbs print tables on."""

from rich.console import Console

WIDTH = 160
"""Columns where there is no terminal to ask, so that a pipe or a file gets whole lines."""


def console() -> Console:
    """Return a console on standard output."""
    out = Console(soft_wrap=False)
    return out if out.is_terminal else Console(width=WIDTH)
