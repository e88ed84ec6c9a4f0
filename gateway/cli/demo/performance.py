"""The demo from its first line to its last: prepare, start, greet, keep going, end everything."""

import asyncio
import os
import secrets
import signal
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from gateway.cli.demo.breakage import HURRY, Breakage
from gateway.cli.demo.child import ChildError
from gateway.cli.demo.greeting import greeting, login
from gateway.cli.demo.place import Place, reference_file
from gateway.cli.demo.system import Plan, System
from gateway.cli.demo.traffic import Traffic
from gateway.core.tasks import cancel_all, spawn

HOST = "127.0.0.1"
BREAKING_TRAFFIC: Final = 50
ANNOUNCED_AGO = timedelta(days=33)
"""Puts the reference calendar's first migration three days into its phase `deprecated`, whatever today is."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asked for."""

    port: int
    admin_port: int
    traffic: int | None
    store: str | None
    redis: str | None
    keep: bool
    break_v2: bool


async def perform(wishes: Wishes) -> int:
    """Run the demo until a signal ends it, and return the exit code; raises ClickException when it cannot begin."""
    stopped = _stop_signals()
    owner: set[asyncio.Task[Any]] = set()
    with Place(keep=wishes.keep) as place:
        _require_free(wishes.port, "--port")
        _require_free(wishes.admin_port, "--admin-port")
        plan, made_up = _plan(wishes, place)
        click.echo("Starting the cache, v1, v2 and the gateway …")
        show = spawn(_show(plan, made_up, wishes), name="demo", owner=owner)
        stop = spawn(stopped.wait(), name="wait for a signal", owner=owner)
        try:
            await asyncio.wait({show, stop}, return_when=asyncio.FIRST_COMPLETED)
            if show.done():
                raise click.ClickException(str(show.result()))
            click.echo("Ending everything …")
        finally:
            await cancel_all(owner)
    return 0


async def _show(plan: Plan, made_up: dict[str, str], wishes: Wishes) -> ChildError:
    """Start everything, say so, and return what went wrong as soon as something has."""
    try:
        async with AsyncExitStack() as stack:
            system = await stack.enter_async_context(System(plan))
            addresses = await system.start()
            click.echo(greeting(addresses, await login(addresses.public), made_up))
            traffic = wishes.traffic if wishes.traffic is not None or not wishes.break_v2 else BREAKING_TRAFFIC
            if traffic is not None:
                await stack.enter_async_context(Traffic(addresses.public, plan.jwt_secret, traffic))
            if wishes.break_v2:
                await stack.enter_async_context(Breakage(addresses, plan.admin_token))
            return await system.lost()
    except ChildError as error:
        return error


def _plan(wishes: Wishes, place: Place) -> tuple[Plan, dict[str, str]]:
    """Return what to run, and the secrets that were made up for it."""
    made_up: dict[str, str] = {}

    def secret(name: str) -> str:
        return os.environ.get(name) or made_up.setdefault(name, secrets.token_hex(32))

    announced = (datetime.now(UTC) - ANNOUNCED_AGO).date().isoformat()
    plan = Plan(
        config=reference_file(),
        listen=f"{HOST}:{wishes.port}",
        admin_listen=f"{HOST}:{wishes.admin_port}",
        store=wishes.store or place.url("demo.db"),
        gateway_store=place.url("demo-gateway.db"),
        redis=wishes.redis,
        announced=os.environ.get("CROSSFADE_ANNOUNCED") or announced,
        jwt_secret=secret("JWT_SECRET"),
        admin_token=secret("CROSSFADE_ADMIN_TOKEN"),
        environ=HURRY if wishes.break_v2 else {},
    )
    return plan, made_up


def _require_free(port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise click.ClickException(
                f"Port {port} on {HOST} is taken. End what is using it, or choose another one with {option} {port + 1}."
            ) from None


def _stop_signals() -> asyncio.Event:
    """Return an event that every signal which means `end` sets."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped
