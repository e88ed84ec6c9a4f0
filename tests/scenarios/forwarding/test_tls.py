"""TLS on the client's side, its certificate reread on change; TLS and unix sockets on the backend's side."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cryptography import x509

from tests.support.certificate import write_certificate
from tests.support.child import gateway_process
from tests.support.client import RawClient, ask
from tests.support.echo import Echo, EchoLink
from tests.support.gateway import plain
from tests.support.load import load
from tests.support.poll import until

REQUEST = b"GET /api/%d HTTP/1.1\r\nHost: a\r\n\r\n"


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[tuple[RawClient, int]]:
    """Connect over TLS and yield the client with the served certificate's serial number."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        served = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        yield RawClient(reader, writer), x509.load_der_x509_certificate(served).serial_number
    finally:
        writer.transport.abort()


def _serial(path: Path) -> int:
    return x509.load_pem_x509_certificate(path.read_bytes()).serial_number


async def test_tls_serves_and_takes_a_new_certificate_without_dropping_anyone(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "public")
    first = _serial(certificate)
    async with Echo() as v1:
        text = plain(v1.origin, server=f"\n  tls: {{cert: {certificate}, key: {key}}}")
        async with gateway_process(tmp_path, text) as child, _connected(child.public) as (old, serial):
            assert serial == first
            await old.send(REQUEST % 1)
            assert (await old.answer()).json()["target"] == "/api/1"
            write_certificate(tmp_path, "public")

            async def is_new() -> bool:
                async with _connected(child.public) as (_, served):
                    return served == _serial(certificate)

            await until(is_new)
            await old.send(REQUEST % 2)
            assert (await old.answer()).json()["target"] == "/api/2"


async def test_tls_survives_a_broken_certificate_and_a_client_that_speaks_no_tls(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "public")
    first = _serial(certificate)
    async with Echo() as v1:
        text = plain(v1.origin, server=f"\n  tls: {{cert: {certificate}, key: {key}}}")
        async with gateway_process(tmp_path, text) as child:
            certificate.write_text("-----BEGIN CERTIFICATE-----\nbroken\n")
            await asyncio.sleep(1.2)  # longer than it looks at files; nothing that can be waited for may happen
            reader, writer = await asyncio.open_connection("127.0.0.1", child.public)
            writer.write(REQUEST % 1)
            assert not (await reader.read()).startswith(b"HTTP/1.1 200")
            writer.transport.abort()
            async with _connected(child.public) as (client, serial):
                assert serial == first
                await client.send(REQUEST % 2)
                assert (await client.answer()).status == 200


@asynccontextmanager
async def _secure_echo(folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """Run an echo over TLS; yields its origin and its certificate."""
    certificate, key = write_certificate(folder, "upstream")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    echo = Echo()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: EchoLink(echo), "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", certificate
    finally:
        server.close()
        for link in list(echo.links):
            link.transport.abort()
        await server.wait_closed()


async def test_an_https_endpoint_is_asked_over_verified_tls(tmp_path: Path) -> None:
    async with _secure_echo(tmp_path) as (origin, certificate):
        trust = {"SSL_CERT_FILE": str(certificate)}
        async with gateway_process(tmp_path, plain(origin), environ=trust) as child:
            async with load(child.public, methods=("GET", "POST"), clients=3) as running:
                await asyncio.sleep(0.5)
            assert running.lost == []
            assert len(running.seconds) > 20


async def test_an_https_endpoint_that_nobody_vouches_for_is_502(tmp_path: Path) -> None:
    async with _secure_echo(tmp_path) as (origin, _), gateway_process(tmp_path, plain(origin)) as child:
        assert (await ask(child.public, "/api/x")).status == 502


async def test_a_unix_socket_endpoint_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "v1.sock"
    echo = Echo()
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: EchoLink(echo), path)
    try:
        async with gateway_process(tmp_path, plain(f'"unix:{path}"')) as child:
            assert json.loads((await ask(child.public, "/api/x")).body)["target"] == "/api/x"
            assert (await ask(child.public, "/api/y", "POST", body=b"hello")).json()["n"] == 5
    finally:
        server.close()
        for link in list(echo.links):
            link.transport.abort()
        await server.wait_closed()
