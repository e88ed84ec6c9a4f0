"""Runs the gateway as `crossfade run` does, with the access log off, as the peers' are."""

import sys
from pathlib import Path

from gateway.server.process import run

if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
