"""Where a backend listens: `http://host:port`, `https://host:port` or `unix:/path/to.sock`."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, Self
from urllib.parse import urlsplit

UNIX: Final = "unix:"
TLS_SHUTDOWN_SECONDS: Final = 2.0
"""How long a backend may take to agree to the end of a TLS connection, which holds its place meanwhile."""


class Address:
    """One endpoint's address. `authority` is the Host that its requests carry; it owns no connection."""

    __slots__ = ("_context", "_host", "_is_tls", "_path", "_port", "authority", "text")

    def __init__(self, text: str, host: str, port: int, path: str | None, *, is_tls: bool) -> None:
        self.text = text
        self._host = host
        self._port = port
        self._path = path
        self._is_tls = is_tls
        self._context: ssl.SSLContext | None = None
        bare = f"[{host}]" if ":" in host else host
        usual = 443 if is_tls else 80
        self.authority = bare if path is not None or port == usual else f"{bare}:{port}"

    def __repr__(self) -> str:
        return f"<Address {self.text}>"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an endpoint that the configuration has accepted."""
        if text.startswith(UNIX):
            return cls(text, "localhost", 80, text.removeprefix(UNIX), is_tls=False)
        parts = urlsplit(text)
        is_tls = parts.scheme == "https"
        return cls(text, parts.hostname or "", parts.port or (443 if is_tls else 80), None, is_tls=is_tls)

    async def connect[P: asyncio.BaseProtocol](self, make: Callable[[], P]) -> P:
        """Open a connection; raises OSError (ssl.SSLError among them), and ValueError for a name nobody can have.

        Over TLS the backend's certificate is verified for the host's name, which is also sent to it (SNI).
        """
        loop = asyncio.get_running_loop()
        if self._path is not None:
            return (await loop.create_unix_connection(make, self._path))[1]
        if not self._is_tls:
            return (await loop.create_connection(make, self._host, self._port))[1]
        if self._context is None:
            # Reading the system's certificates takes milliseconds of disk: not on the loop.
            self._context = await asyncio.to_thread(_verifying)
        found = await loop.create_connection(
            make, self._host, self._port, ssl=self._context, ssl_shutdown_timeout=TLS_SHUTDOWN_SECONDS
        )
        return found[1]


def _verifying() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
