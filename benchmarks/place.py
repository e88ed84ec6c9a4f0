"""Where things lie: the checkout, what the benchmarks write, and free ports. Never starts anything."""

import re
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench"
PEERS = Path(__file__).with_name("peers")
PEER_PYTHON = ROOT / "var" / "peers" / "venv"
PEER_NODE = ROOT / "var" / "peers" / "node"


class MissingToolError(Exception):
    """Something that is not ours is not installed; the message says what."""


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(server.getsockname()[1]) for server in held]
    for server in held:
        server.close()
    return ports


def fill(template: Path, target: Path, values: dict[str, object]) -> Path:
    """Write `template` to `target` with each @NAME@ replaced; a name that stays is an error."""
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    left = re.search(r"@[A-Z][A-Z0-9_]*@", text)
    if left is not None:
        raise ValueError(f"{template.name}: no value for {left.group(0)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    return target
