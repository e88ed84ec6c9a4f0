"""What the demo says once everything runs: the addresses, a token, and five lines to paste."""

import aiohttp

from gateway.cli.demo.child import ChildError
from gateway.cli.demo.system import Addresses

ALICE = {"username": "alice", "password": "alice-demo"}


async def login(public: str) -> str:
    """Log alice in through the gateway, as any legacy client would, and return her access token; raises ChildError."""
    try:
        async with aiohttp.ClientSession() as session, session.post(f"{public}/api/auth/login", json=ALICE) as answer:
            text = await answer.text()
            if answer.status == 200:
                token: str = (await answer.json())["data"]["access_token"]
                return token
    except aiohttp.ClientError as error:
        raise ChildError(f"alice could not log in through the gateway: {error}.") from None
    raise ChildError(f"alice could not log in through the gateway: it answered {answer.status} {text[:300]}")


def greeting(addresses: Addresses, token: str, secrets: dict[str, str]) -> str:
    """Return what is shown once; `secrets` are the ones that were made up for this demo."""
    lines = [
        "",
        f"public endpoint        {addresses.public}",
        f"admin listener         {addresses.admin}   /metrics /readyz /api/status",
        f"behind it              v1 {addresses.v1}   v2 {addresses.v2}   redis {addresses.redis}",
        "users                  alice, bob, carol (pinned to v2); the password is NAME-demo",
        *(f"{name:<22} {value}" for name, value in secrets.items()),
        "",
        "alice's token, good for 15 minutes:",
        token,
        "",
        "Five lines to paste (a legacy call, the same list by the new contract, the legacy call after its end,",
        "without a token, and what moves when):",
        "",
        *curls(addresses.public, token),
        "",
        "Ctrl-C ends all of it.",
    ]
    return "\n".join(lines)


def curls(public: str, token: str) -> list[str]:
    """Return five command lines that work as they are."""
    bearer = f'-H "Authorization: Bearer {token}"'
    return [
        f"curl -i {bearer} {public}/api/favorites",
        f"curl -i {bearer} {public}/api/v2/watchlist",
        f'curl -i {bearer} -H "Crossfade-Rehearse: 2100-01-01" {public}/api/favorites',
        f"curl -i {public}/api/favorites",
        f"curl -i {public}/.well-known/api-migrations",
    ]
