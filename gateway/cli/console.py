"""The console that verbs print tables on."""

from rich.console import Console

WIDTH = 160
"""Columns where there is no terminal to ask, so that a pipe or a file gets whole lines."""


def console(*, stderr: bool = False) -> Console:
    """Return a console on standard output, or on standard error: for what is no part of the answer."""
    out = Console(soft_wrap=False, stderr=stderr)
    return out if out.is_terminal else Console(width=WIDTH, stderr=stderr)
