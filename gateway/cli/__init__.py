"""The command line: one verb a file. Verbs import what they need only when they run, so that `--help` is quick."""

from importlib.util import find_spec

import click

from gateway import __version__
from gateway.cli.backend import backend
from gateway.cli.check import check
from gateway.cli.consumers import consumers
from gateway.cli.demo import demo
from gateway.cli.explain import explain
from gateway.cli.forecast import forecast
from gateway.cli.plan import plan
from gateway.cli.revoke import revoke
from gateway.cli.rollout import rollout
from gateway.cli.run import run
from gateway.cli.sunset import sunset
from gateway.cli.watch import watch

__all__ = ["main"]


def _build() -> str:
    """Say which build this is (ADR 8), by one of the modules that are compiled when any are."""
    found = find_spec("gateway.wire.line")
    return "pure Python" if found is not None and str(found.origin).endswith(".py") else "compiled"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="crossfade", message=f"%(prog)s, version %(version)s, {_build()}")
def main() -> None:
    """Carry a public API from v1 to v2: one endpoint, a stated share of callers on the new side."""


for verb in (demo, run, check, explain, plan, rollout, revoke, consumers, forecast, sunset, watch, backend):
    main.add_command(verb)
