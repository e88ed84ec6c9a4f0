"""Calls of the admin API from the command line: with the operator's token, to the one listener that was named."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import click

TOKEN_VARIABLE = "CROSSFADE_ADMIN_TOKEN"
DEFAULT_URL = "http://127.0.0.1:9901"
TIMEOUT_SECONDS = 10.0
MAX_SHOWN = 300


def _url(ctx: click.Context, param: click.Parameter, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise click.BadParameter(f"write it like {DEFAULT_URL}, not {value!r}.")
    return value.rstrip("/")


admin_option = click.option(
    "--admin",
    envvar="CROSSFADE_ADMIN_URL",
    default=DEFAULT_URL,
    show_default=True,
    metavar="URL",
    callback=_url,
    help=f"The admin listener; the token comes from {TOKEN_VARIABLE}.",
)


def call(admin: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Call the admin API and return its answer.

    Raises UsageError (exit code 2) for what it will not take and for a missing token, ClickException (exit code 1) when
    it cannot be reached or refuses.
    """
    import asyncio

    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise click.UsageError(f"Set {TOKEN_VARIABLE} to one of server.admin.tokens.")
    status, answer = asyncio.run(_ask(f"{admin}{path}", method, token, body))
    if status < 300 and isinstance(answer, dict):
        return answer
    detail = answer.get("detail") if isinstance(answer, dict) else None
    if status == 422:
        raise click.UsageError(str(detail))
    if status == 401:
        raise click.ClickException(f"{admin} does not know the token in {TOKEN_VARIABLE}.")
    raise click.ClickException(f"{admin} answered {status}: {detail or 'this is no admin listener of a gateway'}")


async def _ask(url: str, method: str, token: str, body: Mapping[str, Any] | None) -> tuple[int, Any]:
    """Return status and parsed body. Redirects are not followed: the token is for this listener only."""
    import aiohttp

    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, url, json=body, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status, _parsed(await answer.read())
    except TimeoutError:
        raise click.ClickException(f"{url} did not answer within {TIMEOUT_SECONDS:g} s.") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise click.ClickException(f"{url} cannot be reached: {str(error)[:MAX_SHOWN]}") from None


def _parsed(body: bytes) -> Any:
    import json

    try:
        return json.loads(body)
    except ValueError:
        return None
