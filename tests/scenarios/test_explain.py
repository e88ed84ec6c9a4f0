"""`crossfade explain` agrees with what the running gateway does."""

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.config.compile import compile_snapshot
from gateway.config.load import load
from gateway.config.snapshot import Snapshot
from gateway.core.http import RequestHead
from gateway.policy.decision import Forward, Local, Refuse
from gateway.policy.explanation import Explanation, explained

from .client import Answer, Client
from .conftest import Backends, Gateway, System, gateway_environ
from .processes import ROOT

OTHER_PATHS = (
    "/health",
    "/.well-known/api-migrations",
    "/",
    "/api/nothing",
    "/api/favorites/",
    "/api/favorites/../config",
    "/api/favorites/%2e%2e/config",
    "/api/f%61vorites",
    "/api/favorites/a%2Fb",
    "/api/screening/fields",
    "/api/v2/watchlist",
    "/api/v2/stocks/600519",
    "/docs/openapi.json",
    "/api/health",
)
METHODS = ("GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
REHEARSALS = ("2000-01-01", "2100-02-15", "2100-02-12T00:30:00Z", "2100-03-05", "2100-05-01", "someday")


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    user: str | None
    headers: dict[str, str] = field(default_factory=dict)


def random_request(chance: random.Random, endpoints: list[str]) -> Request:
    """Mostly calls of known endpoints, some with another method, unknown paths, pins and rehearsals."""
    if chance.random() < 0.7:
        method, path = chance.choice(endpoints).split(" ")
        path = path.replace("{stock_code}", "600519").replace("{symbol}", "000001").replace("{id}", "none-such")
        method = chance.choice(METHODS) if chance.random() < 0.1 else method
    else:
        method, path = chance.choice(METHODS), chance.choice(OTHER_PATHS)
    headers = {}
    if chance.random() < 0.1:
        headers["X-Api-Track"] = "legacy"
    if chance.random() < 0.3:
        headers["Crossfade-Rehearse"] = chance.choice(REHEARSALS)
    if chance.random() < 0.2:
        headers["Cookie"] = f"cid=browser-{chance.randrange(1000)}"
    query = chance.choice(("", "", "?page=2&page_size=3", "?page_size=%31"))
    user = (
        None if chance.random() < 0.2 else chance.choice(["alice", "bob", "carol", f"user-{chance.randrange(10_000)}"])
    )
    return Request(method, path + query, user, headers)


def explain(client: Client, snapshot: Snapshot, request: Request) -> Explanation:
    claims = client.claims(request.user) if request.user is not None else None
    head = RequestHead.of(request.method, request.target, request.headers.items())
    return explained(head, snapshot, time.time(), claims)


def seen(answer: Answer) -> dict[str, Any]:
    """What a client can tell of the decision."""
    is_problem = answer.headers["content-type"] == "application/problem+json"
    kind = answer.body["type"].rpartition(":")[2] if is_problem and answer.text else None
    return {
        "served_by": answer.headers.get("x-served-by"),
        "refused": (answer.status, kind) if is_problem else None,
        "deprecation": answer.headers.get("deprecation"),
        "link": answer.headers.get("link"),
        "allow": answer.headers.get("allow") if is_problem else None,
    }


def foretold(explanation: Explanation, is_head: bool) -> dict[str, Any]:
    """The same of the explanation. An answer to HEAD has no body to tell the problem's type."""
    headers = {name.lower(): value for name, value in explanation.headers}
    decision = explanation.decision
    refused = None
    if isinstance(decision, Refuse):
        refused = (decision.problem.code, None if is_head else str(decision.problem.type))
    return {
        "served_by": decision.upstream if isinstance(decision, Forward) else None,
        "refused": refused,
        "deprecation": headers.get("deprecation"),
        "link": headers.get("link"),
        "allow": headers.get("allow"),
    }


@pytest.fixture
def running(gateways: dict[float, Gateway], backends: Backends) -> Snapshot:
    """The rules of the gateway at 10 %."""
    folder = gateways[10].config.parent
    loaded = load(gateways[10].config, gateway_environ(backends, folder))
    return compile_snapshot(loaded.config)


async def test_200_random_requests_are_explained_as_they_are_answered(system: System, running: Snapshot) -> None:
    chance = random.Random(20261122)
    kinds = set()
    for _ in range(200):
        request = random_request(chance, system.legacy_endpoints)
        explanation = explain(system.at_ten, running, request)
        answer = await system.at_ten.call(
            request.method, request.target, user=request.user, headers=request.headers, is_raw=True
        )
        assert seen(answer) == foretold(explanation, request.method == "HEAD"), (request, explanation, answer)
        kinds.add(type(explanation.decision))
    assert kinds == {Forward, Refuse, Local}


async def test_the_command_prints_what_the_gateway_does(
    system: System, gateways: dict[float, Gateway], backends: Backends
) -> None:
    config = gateways[10].config
    command = [sys.executable, "-m", "gateway", "explain", "-c", str(config), "GET /api/favorites", "--json"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **gateway_environ(backends, config.parent)}
    for subject in ("alice", "bob", "user-4", "user-9"):
        printed = subprocess.run(
            [*command, "--sub", subject], env=environ, capture_output=True, text=True, check=True, timeout=30
        )
        answer = await system.at_ten.call("GET", "/api/favorites", user=subject)
        assert json.loads(printed.stdout)["decision"]["upstream"] == answer.headers["x-served-by"]
