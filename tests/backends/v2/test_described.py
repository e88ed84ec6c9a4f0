"""Every operation of the document, called once: what comes is what it says."""

from tests.backends.v2.caller import Caller

ELSEWHERE = {("get", "/ws", 101), ("get", "/docs", 200), ("get", "/docs/openapi.json", 200)}
"""Answers that are no JSON, or the document itself."""

EVE = {"username": "eve", "password": "eve-demo", "email": "eve@example.com"}


async def test_every_operation_answers_as_described(anyone: Caller, alice: Caller) -> None:
    await call_accounts(anyone)
    await call_lists(alice)
    await call_tasks(alice)
    await call_the_rest(alice)
    described = {
        (method, path, int(status))
        for path, methods in anyone.contract.document["paths"].items()
        for method, operation in methods.items()
        for status in operation["responses"]
        if int(status) < 400
    }
    assert anyone.contract.seen == described - ELSEWHERE


async def call_accounts(anyone: Caller) -> None:
    """A user's life."""
    await anyone.data("POST", "/api/v2/auth/register", EVE, status=201)
    login = await anyone.data("POST", "/api/v2/auth/login", EVE)
    eve = anyone.with_token(login["accessToken"])
    await eve.data("GET", "/api/v2/auth/me")
    change = {"currentPassword": EVE["password"], "newPassword": "eve-other"}
    await eve.data("POST", "/api/v2/auth/change-password", change)
    fresh = await anyone.data("POST", "/api/v2/auth/refresh", {"refreshToken": login["refreshToken"]})
    await eve.data("POST", "/api/v2/auth/logout", {"refreshToken": fresh["refreshToken"]})


async def call_lists(caller: Caller) -> None:
    """Watchlist and news."""
    await caller.data("POST", "/api/v2/watchlist", {"symbol": "600519"}, status=201)
    await caller.data("GET", "/api/v2/watchlist")
    await caller.data("PATCH", "/api/v2/watchlist/600519", {"notes": "x"})
    await caller.data("DELETE", "/api/v2/watchlist/600519")
    news = await caller.data("GET", "/api/v2/news")
    await caller.data("GET", f"/api/v2/news/{news['items'][0]['id']}")
    await caller.data("POST", "/api/v2/news/sync", {}, status=202)


async def call_tasks(caller: Caller) -> None:
    """Queue and analysis."""
    started = await caller.data("POST", "/api/v2/analysis/stock", {"symbol": "600519"}, status=202)
    async with await caller.talk() as talk:
        await talk.subscribe("analysis", {"tasks": [started["taskId"]]})
        await talk.hear("analysis_complete")
    for path in ("analysis/tasks", "analysis/result", "queue/tasks"):
        await caller.data("GET", f"/api/v2/{path}/{started['taskId']}")
    for path in ("analysis/history", "queue/tasks", "queue/stats"):
        await caller.data("GET", f"/api/v2/{path}")
    submitted = await caller.data("POST", "/api/v2/queue/submit", {"symbols": ["600519"] * 20}, status=201)
    await caller.data("DELETE", f"/api/v2/queue/tasks/{submitted['taskIds'][-1]}")


async def call_the_rest(caller: Caller) -> None:
    """Stocks, configuration, and what is only on v2."""
    for path in ("stocks", "stocks/600519", "stocks/600519/quote", "stocks/600519/kline", "config/markets"):
        await caller.data("GET", f"/api/v2/{path}")
    await caller.data("GET", "/api/v2/config/system")
    await caller.data("PATCH", "/api/v2/config/system", {"siteName": "Other"})
    for path in ("/ws/info", "/ws/quotes/subscriptions"):
        await caller.answer(200, "GET", path)
    await caller.data("GET", "/health")
    for method in ("POST", "GET", "DELETE"):
        await caller.data(method, "/__faults")
