"""Runs the gateway as `crossfade run` does.

Arguments: the configuration, and for a profile the file to write it to when the gateway ends.
"""

import sys
from pathlib import Path

from benchmarks.peers.gateway.sampler import Sampler
from gateway.server.process import run


def profiled(configuration: Path, report: Path) -> int:
    """Run and sample; return the exit code."""
    sampler = Sampler()
    sampler.start()
    try:
        return run(configuration)
    finally:
        sampler.stop()
        sampler.write(report)


if __name__ == "__main__":
    paths = [Path(argument) for argument in sys.argv[1:]]
    sys.exit(profiled(*paths) if len(paths) > 1 else run(*paths))
