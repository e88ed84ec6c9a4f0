"""`crossfade rollout`: the operators' verbs, over the admin API."""

import click

from gateway.cli.rollout.change import VERBS, set_percent
from gateway.cli.rollout.look import history, listed, preview, show

__all__ = ["rollout"]


@click.group(short_help="See and move percentages: list, show, set, pause, resume, promote, rollback, …")
def rollout() -> None:
    """See and move the percentages of a running gateway.

    Exit code 0: done. Exit code 1: the gateway cannot be reached, or refuses. Exit code 2: the command line is wrong.
    """


for verb in (listed, show, set_percent, *VERBS, preview, history):
    rollout.add_command(verb)
