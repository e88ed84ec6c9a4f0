"""Editing the file changes the rules at once; a broken edit changes nothing."""

import signal
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from .client import Client
from .conftest import SECRET, Backends, Gateway


@pytest.fixture
async def client(own_gateway: Gateway, backends: Backends) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, own_gateway.public, backends.v1, SECRET)


async def served_by(client: Client) -> str:
    # bob's bucket is 47160: legacy at the file's 10 %, successor from 48 % on.
    return (await client.call("GET", "/api/favorites", user="bob")).headers["x-served-by"]


async def revision(client: Client, gateway: Gateway) -> int:
    headers = {"Authorization": "Bearer operators-token-for-tests"}
    answer = await client.call("GET", "/api/status", base=gateway.admin, headers=headers)
    return int(answer.body["config"]["revision"])


async def moved(client: Client, to: str, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await served_by(client) == to:
            return True
    return False


def edit(gateway: Gateway, old: str, new: str) -> None:
    text = gateway.config.read_text()
    assert old in text
    gateway.config.write_text(text.replace(old, new))


async def test_an_edited_percent_moves_callers_without_a_restart(own_gateway: Gateway, client: Client) -> None:
    assert await served_by(client) == "v1"
    edit(own_gateway, "percent: 10 ", "percent: 50 ")
    assert await moved(client, "v2")
    assert await revision(client, own_gateway) == 2


async def test_a_broken_edit_is_refused_with_its_errors_and_the_old_rules_stay(
    own_gateway: Gateway, client: Client
) -> None:
    edit(own_gateway, "percent: 10 ", "percent: 1000 ")
    own_gateway.process.find(r"gateway\.yaml:\d+: migrations\.watchlist\.rollout\.percent")
    assert await served_by(client) == "v1"
    assert await revision(client, own_gateway) == 1
    edit(own_gateway, "percent: 1000 ", "percent: 50 ")
    assert await moved(client, "v2")


async def test_sighup_rereads_the_file(own_gateway: Gateway, client: Client) -> None:
    before = len(own_gateway.process.lines)
    own_gateway.process.signal(signal.SIGHUP)
    own_gateway.process.find(r"applied", after=before)
    assert (await served_by(client), await revision(client, own_gateway)) == ("v1", 2)


async def test_sigterm_ends_the_process_with_0(own_gateway: Gateway, client: Client) -> None:
    assert await served_by(client) == "v1"
    own_gateway.process.signal(signal.SIGTERM)
    assert own_gateway.process.wait() == 0
