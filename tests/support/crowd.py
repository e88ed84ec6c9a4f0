"""Many clients in a process of their own, so that they and the test do not wait for each other's turn."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHILD = """
import random, resource, socket, struct, sys, time

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
port = int(sys.argv[1])
held = []
RESET = struct.pack("ii", 1, 0)

def paced(count):
    for number in range(int(count)):
        yield number
        if number % 50 == 49:  # a backlog that overflows costs a second each time
            time.sleep(0.002)

def connect(count):
    for _ in paced(count):
        held.append(socket.create_connection(("127.0.0.1", port), 10))

def ask():
    for start in range(0, len(held), 50):
        for client in held[start : start + 50]:
            client.sendall(b"GET /api/x HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
        for client in held[start : start + 50]:
            assert client.recv(4096).startswith(b"HTTP/1.1 200 ")

REQUESTS = [
    b"GET /api/quick HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
    b"GET /api/slow HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
    b"POST /api/quick HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 100\\r\\n\\r\\n" + b"x" * 100,
    b"POST /api/quick HTTP/1.1\\r\\nHost: a\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n5\\r\\nhello\\r\\n0\\r\\n\\r\\n",
    b"GET /api/quick HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" * 3,
]

def abort(count):
    chance = random.Random(1)
    for _ in paced(count):
        data = chance.choice(REQUESTS)
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.sendall(data[: chance.randrange(len(data) + 1)])
            if chance.random() < 0.7:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

def upgrade(token):
    hello = (
        "GET /ws HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n"
        "Authorization: Bearer " + token + "\\r\\n\\r\\n"
    ).encode()
    for start in range(0, len(held), 50):
        for client in held[start : start + 50]:
            client.sendall(hello)
        for client in held[start : start + 50]:
            data = client.recv(4096)
            while b'"welcome"' not in data:
                data += client.recv(4096)
            assert data.startswith(b"HTTP/1.1 101 "), data

def goodbye():
    for start in range(0, len(held), 50):
        for client in held[start : start + 50]:
            client.sendall(b"\\x88\\x82\\0\\0\\0\\0\\x03\\xe8")
        for client in held[start : start + 50]:
            data = b""
            while piece := client.recv(4096):
                data += piece
            assert data.endswith(b"\\x88\\x02\\x03\\xe8"), data
            client.close()
    held.clear()

for line in sys.stdin:
    verb, *rest = line.split()
    {"connect": connect, "ask": ask, "abort": abort, "upgrade": upgrade, "goodbye": goodbye}[verb](*rest)
    print("done", flush=True)
"""


class Crowd:
    """Clients of one port: connected and idle, asking, or leaving in the middle."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def connect(self, count: int) -> None:
        """Open and hold so many connections."""
        await self._do(f"connect {count}")

    async def ask(self) -> None:
        """Send one request on every held connection and read its answer."""
        await self._do("ask")

    async def upgrade(self, token: str) -> None:
        """Turn every held connection into a WebSocket, and read its welcome."""
        await self._do(f"upgrade {token}")

    async def goodbye(self) -> None:
        """Close every held WebSocket in the orderly way, and wait until the other side has closed it."""
        await self._do("goodbye")

    async def abort(self, count: int) -> None:
        """Connect so many times, send a random part of a request, and reset or close."""
        await self._do(f"abort {count}")

    async def _do(self, line: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line.encode() + b"\n")
        async with asyncio.timeout(60):
            assert await self._process.stdout.readline() == b"done\n"


@asynccontextmanager
async def crowd(port: int) -> AsyncIterator[Crowd]:
    """Run a crowd for the length of a block; all its connections close at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", CHILD, str(port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Crowd(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
