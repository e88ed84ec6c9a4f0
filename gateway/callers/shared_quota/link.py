"""One pipelined connection to Redis: commands go out in order, replies come back in order (RESP 2).

A general client takes a task, several futures and a timer for each command, which cost more than all requests of a
batch. Here a command is one write and a reply is one call.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

from redis.asyncio.connection import SSLConnection, parse_url

from gateway.callers.shared_quota.script import command

PORT: Final = 6379
LONGEST_LINE: Final = 1 << 16


class RedisError(Exception):
    """Redis answered with an error, or with something that is no reply."""


type Reply = bytes | RedisError
type OnReply = Callable[[Reply], None]


class Link(asyncio.Protocol):
    """Owns one transport and the order of its replies. `on_lost` is called once: nothing will be answered any more.

    Replies are what scripts and settings answer: a text, a number (as text), an error. It has no timers.
    """

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self._waiting: deque[OnReply] = deque()
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    def __repr__(self) -> str:
        return f"<Link {'closed' if self._transport is None else 'open'}: {len(self._waiting)} unanswered>"

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent."""
        return self._transport is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything that was not answered."""
        self._transport = None
        self._waiting.clear()
        self._on_lost()

    def send(self, words: bytes, on_reply: OnReply) -> None:
        """Send a command; its reply is passed on unless the connection is lost before."""
        if self._transport is not None:
            self._waiting.append(on_reply)
            self._transport.write(words)

    def close(self) -> None:
        """Close at once; may be called again."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Pass on every reply that is whole."""
        data = self._buffer + data if self._buffer else data
        start = 0
        while start < len(data):
            try:
                reply, end = _reply(data, start)
            except ValueError:
                self.close()
                return
            if end == 0:
                break
            start = end
            if self._waiting:
                self._waiting.popleft()(reply)
        self._buffer = data[start:]


def _reply(data: bytes, start: int) -> tuple[Reply, int]:
    """Return one reply and where it ends; 0 as long as it is not whole. Raises ValueError for anything else."""
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        if len(data) - start > LONGEST_LINE:
            raise ValueError("an endless line")
        return b"", 0
    kind, line = data[start : start + 1], data[start + 1 : line_end]
    if kind == b"$":
        length = int(line)
        body = line_end + 2
        if length < 0:
            return b"", body
        end = body + length + 2
        return (data[body : end - 2], end) if end <= len(data) else (b"", 0)
    if kind == b"-":
        return RedisError(line.decode(errors="replace")), line_end + 2
    if kind in {b"+", b":"}:
        return line, line_end + 2
    raise ValueError(f"a reply that begins with {kind!r}")


async def dial(url: str, on_lost: Callable[[], None]) -> Link:
    """Return a connection with the URL's user and database; raises OSError and RedisError. The caller bounds it."""
    given = parse_url(url)
    link = await _open(given, on_lost)
    try:
        for words in _introduction(given):
            await asked(link, words)
    except BaseException:
        link.close()
        raise
    return link


async def asked(link: Link, words: bytes) -> bytes:
    """Send a command and wait for its reply, forever if the connection is lost; raises RedisError for an error."""
    found: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def take(reply: Reply) -> None:
        if found.done():
            return
        if isinstance(reply, RedisError):
            found.set_exception(reply)
        else:
            found.set_result(reply)

    link.send(words, take)
    return await found


async def _open(given: Any, on_lost: Callable[[], None]) -> Link:
    loop = asyncio.get_running_loop()
    path = given.get("path")
    if path is not None:
        _, link = await loop.create_unix_connection(lambda: Link(on_lost), path)
        return link
    is_encrypted = given.get("connection_class") is SSLConnection
    context = await asyncio.to_thread(_context, given) if is_encrypted else None
    _, link = await loop.create_connection(
        lambda: Link(on_lost), given.get("host", "localhost"), given.get("port", PORT), ssl=context
    )
    return link


def _context(given: Any) -> ssl.SSLContext:
    """Verify like redis-py does by the same query parameters of the URL. It reads files."""
    context = ssl.create_default_context(cafile=given.get("ssl_ca_certs"))
    if given.get("ssl_certfile") is not None:
        context.load_cert_chain(given["ssl_certfile"], given.get("ssl_keyfile"))
    if given.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _introduction(given: Any) -> list[bytes]:
    words = []
    if given.get("password") is not None:
        user = [given["username"].encode()] if given.get("username") is not None else []
        words.append(command(b"AUTH", *user, given["password"].encode()))
    if given.get("db"):
        words.append(command(b"SELECT", b"%d" % given["db"]))
    words.append(command(b"PING"))
    return words
