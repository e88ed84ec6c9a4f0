"""Backends with certificates of a private authority, over real TLS: who is believed, and who we say we are."""

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.config.schema import UpstreamTls
from gateway.config.trust import TrustFaultError
from gateway.upstream.trust import Trust
from tests.support.certificate import Authority, write_certificate
from tests.support.client import ask
from tests.support.echo import Echo, EchoLink
from tests.support.gateway import plain, running

LATER = 60


class Backend:
    """An echo over TLS. `names` are those that its clients asked for (SNI)."""

    def __init__(self, certificate: Path, key: Path, clients: Path | None) -> None:
        self.names: list[str | None] = []
        self.origin = ""
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients)
        self.context.load_cert_chain(certificate, key)
        self.context.sni_callback = lambda _link, name, _context: self.names.append(name)
        if clients is not None:
            self.context.verify_mode = ssl.CERT_REQUIRED


@asynccontextmanager
async def backend(certificate: Path, key: Path, *, clients: Path | None = None) -> AsyncIterator[Backend]:
    """Run one for the length of a block; with `clients` it lets in only whom that authority has vouched for."""
    found, echo = Backend(certificate, key, clients), Echo()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: EchoLink(echo), "127.0.0.1", 0, ssl=found.context)
    found.origin = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield found
    finally:
        server.close()
        for link in list(echo.links):
            link.transport.abort()
        await server.wait_closed()


async def status(folder: Path, origin: str, tls: str) -> int:
    """Return what a gateway answers whose upstream is configured so."""
    text = plain(f'"{origin}"', upstream=f"    tls: {tls}")
    async with running(folder, text) as gateway:
        return (await ask(gateway.public_port, "/api/x")).status


async def test_a_private_authority_vouches_for_its_backends_alone(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path, "authority"), Authority(tmp_path, "other")
    async with backend(*authority.issue("v1", "127.0.0.1")) as v1:
        assert await status(tmp_path, v1.origin, f"{{ca: {authority.path}}}") == 200
        assert await status(tmp_path, v1.origin, f"{{ca: {other.path}}}") == 502
        assert await status(tmp_path, v1.origin, "{}") == 502


async def test_the_name_can_be_another_than_the_endpoints_and_is_verified(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    async with backend(*authority.issue("v1", "v1.internal")) as v1:
        assert await status(tmp_path, v1.origin, f"{{ca: {authority.path}}}") == 502
        assert await status(tmp_path, v1.origin, f"{{ca: {authority.path}, server_name: v2.internal}}") == 502
        v1.names.clear()
        assert await status(tmp_path, v1.origin, f"{{ca: {authority.path}, server_name: v1.internal}}") == 200
        assert v1.names == ["v1.internal"]


async def test_a_backend_that_asks_who_we_are_is_told(tmp_path: Path) -> None:
    authority, clients = Authority(tmp_path, "authority"), Authority(tmp_path, "clients")
    cert, key = clients.issue("gateway")
    async with backend(*authority.issue("v1", "127.0.0.1"), clients=clients.path) as v1:
        assert await status(tmp_path, v1.origin, f"{{ca: {authority.path}}}") == 502
        assert await status(tmp_path, v1.origin, f"{{ca: {authority.path}, cert: {cert}, key: {key}}}") == 200


def _aged(file: Path, seconds: int) -> None:
    """Make a file look as if it had been written at another time."""
    os.utime(file, (seconds, seconds))


async def test_replaced_files_hold_for_new_connections_and_broken_ones_do_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = write_certificate(tmp_path, "ca")
    _aged(first, 1)
    trust = Trust(UpstreamTls.model_validate({"ca": str(first)}))
    one = await trust.context()
    assert await trust.context() is one
    write_certificate(tmp_path, "ca")
    two = await trust.context()
    assert two is not one
    with caplog.at_level(logging.ERROR):
        first.write_text("nonsense")
        _aged(first, 2)
        assert await trust.context() is two
        first.unlink()
        assert await trust.context() is two
    assert "the old ones stay" in caplog.text


async def test_files_that_never_were_any_good_are_an_error_of_the_connection(tmp_path: Path) -> None:
    with pytest.raises(TrustFaultError, match="there is no file"):
        await Trust(UpstreamTls.model_validate({"ca": str(tmp_path / "nothing.pem")})).context()


async def test_the_systems_authorities_are_read_once() -> None:
    trust = Trust(UpstreamTls())
    assert await trust.context() is await trust.context()


def test_nothing_of_it_switches_verification_off(tmp_path: Path) -> None:
    certificate, _ = write_certificate(tmp_path, "ca")
    for tls in (
        UpstreamTls(),
        UpstreamTls.model_validate({"ca": str(certificate)}),
        UpstreamTls(server_name="v1.internal"),
    ):
        made = _context(tls)
        assert made.verify_mode is ssl.CERT_REQUIRED
        assert made.check_hostname


def _context(tls: UpstreamTls) -> Any:
    return asyncio.run(Trust(tls).context())
