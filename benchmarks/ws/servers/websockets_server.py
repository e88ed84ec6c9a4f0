"""`websockets.broadcast`: the fan-out that the library itself recommends. Arguments: port, publisher's port."""

import asyncio
import json
import sys
from collections import defaultdict

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

SUBSCRIBERS: defaultdict[str, set[ServerConnection]] = defaultdict(set)


async def client(connection: ServerConnection) -> None:
    """Subscribe by the first message, then wait for the end."""
    topics = json.loads(await connection.recv())
    for topic in topics:
        SUBSCRIBERS[topic].add(connection)
    await connection.send('{"subscribed":true}')
    try:
        await connection.wait_closed()
    finally:
        for topic in topics:
            SUBSCRIBERS[topic].discard(connection)


async def publisher(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Each line is a topic and a message. The writer is held, or it would close the connection."""
    while line := await reader.readline():
        topic, _, message = line.decode().rstrip("\n").partition(" ")
        broadcast(SUBSCRIBERS[topic], message)


async def main(port: int, publishing: int) -> None:
    """Serve."""
    publishers = await asyncio.start_server(publisher, "127.0.0.1", publishing, limit=1 << 20)
    async with publishers, serve(client, "127.0.0.1", port, compression=None, ping_interval=None, backlog=4096):
        await asyncio.Event().wait()


uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
