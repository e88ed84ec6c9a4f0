"""`crossfade revoke`, as a process against a running gateway."""

import asyncio
import subprocess
import time
from pathlib import Path

import pytest

from gateway.server.gateway import Gateway
from tests.support.client import ask
from tests.support.gateway import plain, running
from tests.support.port import free_port

from .conftest import Crossfade

OPS = {"CROSSFADE_ADMIN_TOKEN": "ops-token-for-tests"}
EYES = {"CROSSFADE_ADMIN_TOKEN": "eyes-token-for-tests"}
LISTED = {"Authorization": "Bearer eyes-token-for-tests"}


async def revoke(
    crossfade: Crossfade, gateway: Gateway, *arguments: str, environ: dict[str, str] = OPS
) -> subprocess.CompletedProcess[str]:
    admin = ("--admin", f"http://127.0.0.1:{gateway.admin_port}")
    return await asyncio.to_thread(crossfade, "revoke", *arguments, *admin, environ=environ)


async def test_tokens_are_revoked_and_the_way_back_is_told(crossfade: Crossfade, tmp_path: Path) -> None:
    async with running(tmp_path, plain("http://127.0.0.1:1")) as gateway:
        by_id = await revoke(crossfade, gateway, "--jti", "j-1", "--for", "2h", "--reason", "stolen")
        moment = ("--before", "2026-01-01T00:00Z")
        by_subject = await revoke(crossfade, gateway, "--sub", "alice", *moment, "--reason", "left us")
        answer = (await ask(gateway.admin_port, "/api/revocations", fields=LISTED)).json()
    assert (by_id.returncode, by_subject.returncode) == (0, 0)
    newest, oldest = answer["revocations"]
    assert (oldest["jti"], oldest["reason"], oldest["by"]) == ("j-1", "stolen", "ops")
    assert (newest["sub"], newest["before"]) == ("alice", "2026-01-01T00:00:00Z")
    assert by_id.stdout.splitlines()[0] == f"Refused until {oldest['until']} by this gateway: token j-1."
    assert f"/api/revocations/{oldest['id']}" in by_id.stdout
    assert "tokens of alice issued before 2026-01-01T00:00:00Z" in by_subject.stdout
    assert "without redis every gateway has a list of its own" in by_id.stderr


@pytest.mark.parametrize(
    ("environ", "arguments", "code", "words"),
    [
        (EYES, ("--jti", "j"), 1, "answered 403: This needs an operator's token."),
        ({"CROSSFADE_ADMIN_TOKEN": "wrong"}, ("--jti", "j"), 1, "does not know the token"),
        (OPS, ("--jti", "j", "--for", "ever"), 2, "is not a duration"),
    ],
)
async def test_what_the_gateway_refuses_is_said(
    crossfade: Crossfade, tmp_path: Path, environ: dict[str, str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    async with running(tmp_path, plain("http://127.0.0.1:1")) as gateway:
        done = await revoke(crossfade, gateway, *arguments, "--reason", "why", environ=environ)
    assert done.returncode == code
    assert words in done.stderr
    assert "ops-token" not in done.stderr


@pytest.mark.parametrize(
    ("environ", "arguments", "words"),
    [
        (OPS, ("--reason", "x"), "Name either --jti or --sub"),
        (OPS, ("--jti", "a", "--sub", "b", "--reason", "x"), "Name either --jti or --sub"),
        (OPS, ("--jti", "a", "--before", "2026-01-01", "--reason", "x"), "--before goes with --sub"),
        (OPS, ("--jti", "a"), "--reason"),
        (OPS, ("--jti", "a", "--reason", "x", "--admin", "localhost"), "write it like http://127.0.0.1:9901"),
        ({}, ("--jti", "a", "--reason", "x"), "Set CROSSFADE_ADMIN_TOKEN"),
    ],
)
def test_a_slip_on_the_command_line_is_named(
    crossfade: Crossfade, environ: dict[str, str], arguments: tuple[str, ...], words: str
) -> None:
    done = crossfade("revoke", *arguments, environ={"CROSSFADE_ADMIN_TOKEN": "", **environ})
    assert done.returncode == 2
    assert words in done.stderr


def test_a_gateway_that_is_away_is_exit_code_1(crossfade: Crossfade) -> None:
    begun = time.monotonic()
    admin = ("--admin", f"http://127.0.0.1:{free_port()}")
    done = crossfade("revoke", "--jti", "a", "--reason", "x", *admin, environ=OPS)
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert time.monotonic() - begun < 10
