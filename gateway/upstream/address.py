"""Where a backend listens: `http://host:port`, `https://host:port` or `unix:/path/to.sock`."""

import asyncio
from collections.abc import Callable
from typing import Final, Self
from urllib.parse import urlsplit

from gateway.config.schema import UpstreamTls
from gateway.upstream.trust import Trust

UNIX: Final = "unix:"
TLS_SHUTDOWN_SECONDS: Final = 2.0
"""How long a backend may take to agree to the end of a TLS connection, which holds its place meanwhile."""


class Address:
    """One endpoint's address. `authority` is the Host that its requests carry; it owns no connection."""

    __slots__ = ("_host", "_path", "_port", "_trust", "authority", "text")

    def __init__(self, text: str, host: str, port: int, path: str | None, trust: Trust | None) -> None:
        self.text = text
        self._host = host
        self._port = port
        self._path = path
        self._trust = trust
        bare = f"[{host}]" if ":" in host else host
        usual = 443 if trust is not None else 80
        self.authority = bare if path is not None or port == usual else f"{bare}:{port}"

    def __repr__(self) -> str:
        return f"<Address {self.text}>"

    @classmethod
    def parse(cls, text: str, trust: Trust | None = None) -> Self:
        """Read an endpoint that the configuration has accepted. `trust` is for https, by default in the system."""
        if text.startswith(UNIX):
            return cls(text, "localhost", 80, text.removeprefix(UNIX), None)
        parts = urlsplit(text)
        is_tls = parts.scheme == "https"
        port = parts.port or (443 if is_tls else 80)
        trust = trust if trust is not None else Trust(UpstreamTls())
        return cls(text, parts.hostname or "", port, None, trust if is_tls else None)

    async def connect[P: asyncio.BaseProtocol](self, make: Callable[[], P]) -> P:
        """Open a connection; raises OSError (ssl.SSLError among them), and ValueError for a name nobody can have.

        Over TLS the backend's certificate is verified for the host's name, which is also sent to it (SNI), or for that
        which the configuration gives.
        """
        loop = asyncio.get_running_loop()
        if self._path is not None:
            return (await loop.create_unix_connection(make, self._path))[1]
        trust = self._trust
        if trust is None:
            return (await loop.create_connection(make, self._host, self._port))[1]
        found = await loop.create_connection(
            make,
            self._host,
            self._port,
            ssl=await trust.context(),
            server_hostname=trust.server_name or self._host,
            ssl_shutdown_timeout=TLS_SHUTDOWN_SECONDS,
        )
        return found[1]
