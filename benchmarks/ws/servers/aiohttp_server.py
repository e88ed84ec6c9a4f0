"""aiohttp, a loop over `await send_str`, as its documentation shows it. Arguments: port, publisher's port."""

import asyncio
import sys
from collections import defaultdict

import uvloop
from aiohttp import web

SUBSCRIBERS: defaultdict[str, set[web.WebSocketResponse]] = defaultdict(set)


async def client(request: web.Request) -> web.WebSocketResponse:
    """Subscribe by the first message, then read to the end."""
    response = web.WebSocketResponse(compress=False)
    await response.prepare(request)
    topics = await response.receive_json()
    for topic in topics:
        SUBSCRIBERS[topic].add(response)
    await response.send_str('{"subscribed":true}')
    try:
        async for _ in response:
            pass
    finally:
        for topic in topics:
            SUBSCRIBERS[topic].discard(response)
    return response


async def publisher(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Each line is a topic and a message. The writer is held, or it would close the connection."""
    while line := await reader.readline():
        topic, _, message = line.decode().rstrip("\n").partition(" ")
        for subscriber in list(SUBSCRIBERS[topic]):
            await subscriber.send_str(message)


async def main(port: int, publishing: int) -> None:
    """Serve."""
    publishers = await asyncio.start_server(publisher, "127.0.0.1", publishing, limit=1 << 20)
    app = web.Application()
    app.router.add_get("/ws", client)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    async with publishers:
        await asyncio.Event().wait()


uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
