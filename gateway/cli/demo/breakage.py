"""A ramp that meets a broken v2: it goes up, fails, steps down, and goes up again once v2 is mended."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import click

from gateway.cli.demo.system import Addresses
from gateway.core.tasks import cancel_all, spawn

MIGRATION: Final = "watchlist"
HURRY: Final = {"CROSSFADE_BAKE": "12s", "CROSSFADE_INTERVAL": "2s", "CROSSFADE_MIN_REQUESTS": "20"}
"""What makes the reference file's ramp a matter of seconds."""
FAULT: Final = {"error_rate": 0.2, "match": "/api/v2/watchlist"}
LOOK_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 60.0
"""How long each act is waited for, whatever the traffic brings."""
DOWN: Final = frozenset({"step_down", "rollback"})


class Breakage:
    """Owns the plot while the context lasts. It only calls what an operator or a tester could: nothing is staged."""

    def __init__(self, addresses: Addresses, token: str) -> None:
        self._addresses = addresses
        self._headers = {"Authorization": f"Bearer {token}"}
        self._owner: set[asyncio.Task[Any]] = set()
        self._told = 0

    def __repr__(self) -> str:
        return f"<Breakage of {self._addresses.v2}, {self._told} events told>"

    async def __aenter__(self) -> Self:
        spawn(self._play(), name="break v2", owner=self._owner)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await cancel_all(self._owner)

    async def _play(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            try:
                await self._acts(session)
            except (aiohttp.ClientError, TimeoutError) as error:
                _say(f"the show cannot go on: {error}")

    async def _acts(self, session: aiohttp.ClientSession) -> None:
        _say("v2 is well, and the ramp goes up when its gates pass")
        await self._until(session, frozenset({"advance"}))
        await session.post(f"{self._addresses.v2}/__faults", json=FAULT)
        _say("v2 BREAKS: a fifth of its answers are errors; users see none where v1 can answer in its place")
        await self._until(session, DOWN)
        await session.delete(f"{self._addresses.v2}/__faults")
        _say("v2 is MENDED; the ramp goes on by itself after its cool-down")
        await self._until(session, frozenset({"advance"}))
        _say(f"that was all; see crossfade rollout history {MIGRATION} --admin {self._addresses.admin}")
        while True:
            await self._tell(session)
            await asyncio.sleep(LOOK_SECONDS)

    async def _until(self, session: aiohttp.ClientSession, verbs: frozenset[str]) -> None:
        """Tell what happens until the controller does one of these, or it takes too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if verbs & await self._tell(session):
                return
            await asyncio.sleep(LOOK_SECONDS)
        _say(f"nothing has happened for {PATIENCE_SECONDS:g} s; on with the show")

    async def _tell(self, session: aiohttp.ClientSession) -> set[str]:
        """Tell what is new in the audit log, and return the verbs."""
        url = f"{self._addresses.admin}/api/events?migration={MIGRATION}&limit=50"
        async with session.get(url, headers=self._headers) as answer:
            events = (await answer.json())["events"]
        fresh = [event for event in reversed(events) if event["number"] > self._told]
        for event in fresh:
            self._told = event["number"]
            _say(_line(event))
        return {event["what"] for event in fresh}


def _line(event: Mapping[str, Any]) -> str:
    before = event["from"].get("percent")
    moved = f"{before:g} % → " if before is not None else ""
    return f"{event['what'].upper()}  {moved}{event['to']['percent']:g} %  {event['why']}"


def _say(text: str) -> None:
    click.echo(f"{datetime.now(UTC):%H:%M:%S}  ▶ {MIGRATION}: {text}")
