"""A public listener with a door for WebSockets, over a scripted hub and a clock that only tests move."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import jwt

from gateway.config.compile import compile_snapshot
from gateway.config.load import load
from gateway.config.snapshot import Snapshot
from gateway.core.cell import Cell
from gateway.downstream.handoff import Handoff
from gateway.downstream.listener import Listener
from gateway.observability.access_log import AccessLog, Entry
from gateway.observability.metrics import Metrics
from gateway.policy.auth import TokenCache
from gateway.policy.decide import Memory
from gateway.policy.quota import QuotaTable
from gateway.policy.revocation import Revocation
from gateway.policy.route import Places
from gateway.proxy.from_hub import FromHub
from gateway.proxy.local import LocalPaths
from gateway.proxy.service import Proxy
from gateway.proxy.shared import Shared
from gateway.proxy.tally import Tally
from gateway.realtime.authority import Authority
from gateway.realtime.door import Door
from gateway.realtime.info import info, quotes
from gateway.realtime.relief import Relief
from gateway.realtime.session import Session
from gateway.realtime.streams import Streams
from gateway.upstream.fleet import Fleet
from tests.realtime.stage import Stage
from tests.support.ws_client import WebSocketClient, websocket

SECRET = "a secret for tests that is long enough for HS256"
RULES = """\
version: 1
server:
  listen: 127.0.0.1:0
  cors: {origins: [https://app.example.com]}
upstreams:
  v2: {endpoints: [http://127.0.0.1:1]}
auth:
  jwt:
    keys: [{alg: HS256, secret: "a secret for tests that is long enough for HS256"}]
    issuer: tacn
  consumer: [claim:client_id, claim:sub, ip]
realtime:
  path: /ws
  upstream: v2
  query_token: true
  topics:
    quotes: {match: "quotes:{symbol}", conflate: true}
    analysis: {match: "analysis:{task}", authorize: upstream}
    notifications: {match: "notifications:{sub}", authorize: owner}
  limits: {connections: 6, connections_per_consumer: 3, subscriptions: 5, queue: 4, message: 64KiB, idle: 60s}
"""


class Log(AccessLog):
    """Keeps its lines for the test."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)


class Asked:
    """Nobody is ever asked for anything: the rules name no key server."""

    def ask(self, *_: Any) -> Any:
        raise AssertionError("nothing is needed")


class Place:
    """What a test looks at. Nothing is pending as long as it does not say so."""

    is_draining = False

    def __init__(self, text: str, folder: Path) -> None:
        self.path = folder / "gateway.yaml"
        self.path.write_text(text)
        config = load(self.path).config
        self.stage = Stage(limit=5, queue=4)
        self.clock = self.stage.clock
        self.metrics = Metrics()
        self.log = Log()
        self.tokens = TokenCache()
        self.cell = Cell(compile_snapshot(config))
        self.fleet = Fleet(self.clock)
        memory = Memory(self.tokens, QuotaTable(), Places())
        tally = Tally(self.cell.value, 100, b"")
        shared = Shared(self.cell, memory, self.fleet, self.metrics, self.log, self.clock, tally)
        authority = Authority(self.cell, memory, Asked(), self.clock)
        self.door = Door(self.stage.hub, self.cell, authority, self.metrics, self.log, self.clock, Random(7))
        self.handoff = Handoff(LocalPaths(self.cell, self.clock, self, self))
        streams = Streams(self.stage.hub, config.realtime, self.clock)
        from_hub = FromHub(shared, streams, Relief(self.stage.hub, self.clock))
        proxy = Proxy(shared, self.handoff, self.door, from_hub, self.clock, Asked())
        self.listener = Listener(proxy, config.server.limits)

    def info(self) -> Mapping[str, Any]:
        return info(self.stage.hub, self.door.limits, self.door.connections, 1.5, takes_query_token=True)

    def quotes(self) -> Mapping[str, Any]:
        return quotes(self.stage.hub)

    @property
    def port(self) -> int:
        return self.listener.port

    def token(self, user: str = "alice", seconds: float = 900, **claims: Any) -> str:
        """Return a token that is good for so long."""
        payload = {"sub": user, "iss": "tacn", "exp": int(self.clock.now() + seconds), **claims}
        return jwt.encode(payload, SECRET, "HS256")

    def bearer(self, user: str = "alice", seconds: float = 900) -> dict[str, str | None]:
        """Return the field that carries one."""
        return {"Authorization": f"Bearer {self.token(user, seconds)}"}

    def wait(self, seconds: float) -> None:
        """Let time pass, in steps no longer than what the wheel is used to."""
        while seconds > 0:
            step = min(seconds, 1.0)
            self.clock.advance(step)
            self.door.wheel.turn()
            seconds -= step

    def rules(self, snapshot: Snapshot, old: str, new: str) -> Snapshot:
        """Return the rules with a change of their text."""
        assert old in self.path.read_text()
        self.path.write_text(self.path.read_text().replace(old, new))
        return compile_snapshot(load(self.path).config, revision=snapshot.revision + 1)

    def sessions(self) -> list[Session]:
        """Return the sessions that are open."""
        return list(self.door)

    def gone(self) -> list[int]:
        """Return the codes of the sessions that have ended."""
        return [entry.status for entry in self.log.entries if entry.status != 101]

    def revoke(self, user: str) -> None:
        """Refuse all tokens of a user from now on."""
        now = self.clock.now()
        revocation = Revocation("r1", now + 3600, now, "ops", "test", sub=user, before=now + 1)
        self.tokens.revoked.merge([revocation], now)
        self.tokens.drop_revoked(now)
        self.door.revoke(self.tokens.revoked)

    @asynccontextmanager
    async def client(self, user: str = "alice", seconds: float = 900) -> AsyncIterator[WebSocketClient]:
        """Open a socket for somebody, and read its welcome."""
        async with websocket(self.port, fields=self.bearer(user, seconds)) as client:
            assert (await client.hear())["type"] == "welcome"
            yield client


@asynccontextmanager
async def place(folder: Path, text: str = RULES) -> AsyncIterator[Place]:
    """Run one for the length of a block."""
    found = Place(text, folder)
    found.handoff.start()
    await found.listener.start("127.0.0.1", 0, None)
    try:
        yield found
    finally:
        found.door.close()
        await found.listener.close()
        await found.handoff.close()
        await found.fleet.close()
