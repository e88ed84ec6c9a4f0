"""An issuer: signs tokens, and publishes its keys on a real HTTP server that can be killed and revived."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.support.port import free_port


class KeyServer:
    """Publishes `keys` at `url`. `fetches` counts; `gate`, when it is not set, holds answers back."""

    def __init__(self) -> None:
        self.port = free_port()
        self.keys: list[Any] = []
        self.body: bytes | None = None
        self.status = 200
        self.fields: dict[str, str] = {}
        self.fetches = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._private: dict[str, ec.EllipticCurvePrivateKey] = {}
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where the keys are."""
        return f"http://127.0.0.1:{self.port}/keys"

    def prepare(self, *kids: str) -> None:
        """Make keys without publishing them."""
        for kid in kids:
            if kid not in self._private:
                self._private[kid] = ec.generate_private_key(ec.SECP256R1())

    def rotate(self, *kids: str) -> None:
        """Publish these keys and no others; new names get new keys."""
        self.prepare(*kids)
        self.keys = [_published(self._private[kid], kid) for kid in kids]

    def sign(self, kid: str | None, signer: str | None = None, **claims: Any) -> str:
        """Sign a token with a key, published or not; `kid` None leaves the name out."""
        payload = {"sub": "alice", "exp": 4_000_000_000, **claims}
        headers = {"kid": kid} if kid is not None else {}
        return jwt.encode(payload, self._private[signer or kid or ""], "ES256", headers=headers)

    async def start(self) -> None:
        """Listen, again on the same port."""
        app = web.Application()
        app.router.add_get("/keys", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def kill(self) -> None:
        """Close the port and every connection."""
        if self._runner is not None:
            self.gate.set()
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, _request: web.Request) -> web.Response:
        self.fetches += 1
        keys = list(self.keys)
        await self.gate.wait()
        if self.body is not None:
            return web.Response(status=self.status, body=self.body, headers=self.fields)
        return web.json_response({"keys": keys}, status=self.status, headers=self.fields)


def _published(key: ec.EllipticCurvePrivateKey, kid: str) -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


def published(*kids: str) -> bytes:
    """Return what a server would answer that publishes new keys of these names."""
    keys = [_published(ec.generate_private_key(ec.SECP256R1()), kid) for kid in kids]
    return json.dumps({"keys": keys}).encode()


@asynccontextmanager
async def key_server(*kids: str) -> AsyncIterator[KeyServer]:
    """Run an issuer that publishes these keys for the length of a block."""
    found = KeyServer()
    found.rotate(*kids)
    await found.start()
    try:
        yield found
    finally:
        await found.kill()
