"""The public listener: TLS, and how many connections it holds."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.client import connected
from tests.support.gateway import plain, running
from tests.support.upstream import ScriptedUpstream


def _certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.now(UTC) - timedelta(days=1)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(built.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)


async def test_tls_is_spoken_when_configured_and_the_backend_is_told(tmp_path: Path) -> None:
    _certificate(tmp_path)
    text = plain("ORIGIN", server="  tls: {cert: cert.pem, key: key.pem}")
    async with ScriptedUpstream() as v1, running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway:
        context = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        reader, writer = await asyncio.open_connection("localhost", gateway.public_port, ssl=context)
        writer.write(b"GET /api/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        await reader.read()
        writer.close()
        await writer.wait_closed()
        assert gateway.addresses.public.startswith("https://")
    assert v1.received[0].get("X-Forwarded-Proto") == "https"


async def test_a_connection_over_the_limit_is_told_so_and_closed(tmp_path: Path) -> None:
    text = plain("ORIGIN", server="  limits: {connections: 1}")
    async with (
        ScriptedUpstream() as v1,
        running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway,
        connected(gateway.public_port) as first,
    ):
        await first.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await first.answer()).status == 200
        async with connected(gateway.public_port) as second:
            assert (await second.answer()).status == 503
            assert await second.at_end()
        await first.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await first.answer()).status == 200


async def test_a_head_that_does_not_arrive_in_time_is_a_408(tmp_path: Path) -> None:
    text = plain("ORIGIN", server="  limits: {header_timeout: 200ms}")
    async with (
        ScriptedUpstream() as v1,
        running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n")
        async with asyncio.timeout(5):
            assert (await client.answer()).status == 408
            assert await client.at_end()
