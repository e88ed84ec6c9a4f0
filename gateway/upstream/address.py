"""Where a backend listens: `http://host:port`, `https://host:port` or `unix:/path/to.sock`."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit

UNIX = "unix:"


class Address:
    """One endpoint's address. `authority` is the Host that its requests carry; it owns no connection."""

    __slots__ = ("_context", "_host", "_path", "_port", "authority", "text")

    def __init__(self, text: str, host: str, port: int, path: str | None, context: ssl.SSLContext | None) -> None:
        self.text = text
        self._host = host
        self._port = port
        self._path = path
        self._context = context
        bare = f"[{host}]" if ":" in host else host
        usual = 443 if context is not None else 80
        self.authority = (bare if path is not None or port == usual else f"{bare}:{port}").encode("ascii")

    def __repr__(self) -> str:
        return f"<Address {self.text}>"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an endpoint that the configuration accepted. TLS verifies the backend's certificate."""
        if text.startswith(UNIX):
            return cls(text, "localhost", 80, text.removeprefix(UNIX), None)
        parts = urlsplit(text)
        context = ssl.create_default_context() if parts.scheme == "https" else None
        return cls(text, parts.hostname or "", parts.port or (443 if context is not None else 80), None, context)

    async def connect[P: asyncio.BaseProtocol](self, make: Callable[[], P]) -> P:
        """Open a connection; raises OSError, ssl.SSLError among them."""
        loop = asyncio.get_running_loop()
        if self._path is not None:
            return (await loop.create_unix_connection(make, self._path))[1]
        return (await loop.create_connection(make, self._host, self._port, ssl=self._context))[1]
