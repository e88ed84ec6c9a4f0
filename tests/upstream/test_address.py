"""TLS and unix-socket endpoints, reached over real sockets."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from gateway.upstream.fault import UpstreamFault
from tests.support.certificate import write_certificate
from tests.upstream.asker import Asker, answered
from tests.upstream.backend import OK, Backend, Link, backend, cluster, saying, until


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """A context for servers; its certificate is for localhost and 127.0.0.1, and is the only one we trust."""
    certificate, key = write_certificate(tmp_path, "v1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    yield context


def _secure(v1: Backend, host: str = "localhost") -> str:
    return f"https://{host}:{v1.origin.rpartition(':')[2]}"


async def test_a_tls_endpoint_is_asked_by_its_name(server: ssl.SSLContext) -> None:
    names: list[str | None] = []
    server.sni_callback = lambda _found, name, _context: names.append(name)
    async with backend(saying(OK), ssl=server) as v1, cluster(_secure(v1)) as found:
        with blockbuster_ctx("gateway"):
            for _ in range(3):
                assert (await answered(found)).body == b"hi"
        assert (names, v1.opened, found.idle) == (["localhost"], 1, 1)


async def test_over_tls_only_http_1_is_offered(server: ssl.SSLContext) -> None:
    chosen: list[str | None] = []

    async def serve(link: Link) -> None:
        chosen.append(link.writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await saying(OK)(link)

    async with backend(serve, ssl=server) as v1, cluster(_secure(v1)) as found:
        await answered(found)
    assert chosen == ["http/1.1"]


async def test_a_certificate_for_somebody_else_is_unreachable(server: ssl.SSLContext) -> None:
    async with backend(saying(OK), host="127.0.0.2", ssl=server) as v1, cluster(_secure(v1, "127.0.0.2")) as found:
        asker = Asker()
        await asker.find(found)
        assert asker.fault is UpstreamFault.UNREACHABLE
        assert found.size == 0


async def test_a_certificate_that_nobody_vouches_for_is_unreachable(
    server: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with backend(saying(OK), ssl=server) as v1, cluster(_secure(v1)) as found:
        asker = Asker()
        await asker.find(found)
        assert asker.fault is UpstreamFault.UNREACHABLE


async def test_plain_http_on_a_tls_endpoint_is_unreachable() -> None:
    async def plain(link: Link) -> None:
        await link.reader.read(1)
        await link.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with backend(plain) as v1, cluster(_secure(v1, "127.0.0.1")) as found:
        asker = Asker()
        await asker.find(found)
        assert asker.fault is UpstreamFault.UNREACHABLE


async def test_large_answers_come_whole_over_tls(server: ssl.SSLContext) -> None:
    size = 4 << 20
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    async with backend(saying(answer), ssl=server) as v1, cluster(_secure(v1)) as found:
        for _ in range(2):
            asker = Asker()
            await asker.find(found)
            asker.ask()
            for _ in range(5):
                asker.held.pause(asker)
                await asyncio.sleep(0)
                asker.held.resume(asker)
                await asyncio.sleep(0)
            await asker.finished()
            assert len(asker.body) == size
        assert v1.opened == 1


async def test_a_tls_backend_that_goes_away_is_forgotten(server: ssl.SSLContext) -> None:
    async def once(link: Link) -> None:
        await link.head()
        await link.send(OK)

    async with backend(once, ssl=server) as v1, cluster(_secure(v1)) as found:
        await answered(found)
        await until(lambda: not found.size)


async def test_a_unix_socket_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "v1.sock"
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    async with cluster(f"unix:{path}") as found:
        asker = await answered(found)
        assert asker.body == b"hi"
        assert asker.held.home.authority == "localhost"
    server.close()
    await server.wait_closed()
    assert len(heads) == 1
