"""Legacy calls to all 29 endpoints: a success and an error each, with what must be there before the call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from .client import Client, finished_task

type Prepared = dict[str, str]
type Prepare = Callable[[Client], Awaitable[Prepared]]

_numbers = count(1)
_done_tasks: dict[str, str] = {}


async def nothing(client: Client) -> Prepared:
    """The seeded data are enough."""
    return {}


@dataclass(frozen=True)
class Call:
    """One legacy call. `{name}` in path and body stands for what `prepare` answered; `as_user` None sends no token.

    `varies` are names of members whose values differ from call to call: their types are compared, not their values.
    `fault` makes both backends fail with a 500, for endpoints that have no error of their own.
    """

    endpoint: str
    status: int
    path: str = ""
    body: Any = None
    prepare: Prepare = nothing
    as_user: str | None = "alice"
    varies: frozenset[str] = frozenset()
    fault: bool = False
    raw: bytes | None = None

    @property
    def method(self) -> str:
        return self.endpoint.split(" ")[0]

    @property
    def target(self) -> str:
        return self.path or self.endpoint.split(" ")[1]

    def __str__(self) -> str:
        return f"{self.endpoint} answers {self.status}" + (" by fault" if self.fault else " raw" if self.raw else "")


@dataclass
class Area:
    """Calls of one area share the members that vary."""

    varies: frozenset[str]
    calls: list[Call] = field(default_factory=list)


async def a_new_name(client: Client) -> Prepared:
    return {"name": f"visitor-{next(_numbers)}"}


async def a_new_user(client: Client) -> Prepared:
    """Register somebody directly at v1, so that only the call under test goes through the gateway."""
    name = f"person-{next(_numbers)}"
    body = {"username": name, "password": "first-secret", "email": f"{name}@example.com"}
    await client.at_legacy("POST", "/api/auth/register", body=body)
    login = await client.at_legacy("POST", "/api/auth/login", body={"username": name, "password": "first-secret"})
    return {"name": name, "refresh": login["data"]["refresh_token"], "as_user": name}


async def no_items(client: Client) -> Prepared:
    answer = await client.at_legacy("GET", "/api/favorites", user="alice")
    for item in answer["data"]:
        await client.at_legacy("DELETE", f"/api/favorites/{item['stock_code']}", user="alice")
    return {}


async def two_items(client: Client) -> Prepared:
    await no_items(client)
    first = {"stock_code": "600519", "tags": ["a", "茅"], "notes": "n", "alert_price_high": 2000.5}
    await client.at_legacy("POST", "/api/favorites", body=first, user="alice")
    await client.at_legacy("POST", "/api/favorites", body={"stock_code": "000001"}, user="alice")
    return {}


async def a_news_id(client: Client) -> Prepared:
    answer = await client.at_legacy("GET", "/api/news?page_size=1", user="alice")
    return {"id": answer["data"]["items"][0]["id"]}


async def a_waiting_task(client: Client) -> Prepared:
    """An unimportant task behind 20 older ones: two runners with four places each do not reach it before the call.

    The 20 are of different stocks: a submission counts each stock once.
    """
    stocks = await client.at_legacy("GET", "/api/stocks?page_size=20", user="alice")
    ahead = {"stock_codes": [stock["stock_code"] for stock in stocks["data"]["items"]], "priority": 0}
    submitted = await client.at_legacy("POST", "/api/queue/submit", body=ahead, user="alice")
    assert submitted["data"]["accepted"] == 20
    behind = {"stock_codes": ["600519"], "priority": 0}
    answer = await client.at_legacy("POST", "/api/queue/submit", body=behind, user="alice")
    return {"id": answer["data"]["task_ids"][0]}


async def a_done_task(client: Client) -> Prepared:
    """A finished task never changes, so one serves all calls."""
    if client.legacy not in _done_tasks:
        _done_tasks[client.legacy] = await finished_task(client)
    return {"id": _done_tasks[client.legacy]}


NOBODY = "nobody-at-all"
TIMES = {"created_at", "updated_at", "added_at", "started_at", "finished_at", "completed_at"}

AUTH = [
    Call("POST /api/auth/login", 200, body={"username": "alice", "password": "alice-demo"}, as_user=None),
    Call("POST /api/auth/login", 401, body={"username": "alice", "password": "wrong"}, as_user=None),
    Call("POST /api/auth/login", 422, body={"username": "alice"}, as_user=None),
    Call("POST /api/auth/login", 422, raw=b"{not json", as_user=None),
    Call("POST /api/auth/login", 422, raw=b"[1, 2]", as_user=None),
    Call(
        "POST /api/auth/register",
        200,
        body={"username": "{name}", "password": "long-enough", "email": "{name}@example.com"},
        prepare=a_new_name,
        as_user=None,
    ),
    Call(
        "POST /api/auth/register",
        400,
        body={"username": "alice", "password": "long-enough", "email": "a@example.com"},
        as_user=None,
    ),
    Call("POST /api/auth/register", 422, body={"username": "x", "password": "short", "email": "no"}, as_user=None),
    Call("POST /api/auth/refresh", 200, body={"refresh_token": "{refresh}"}, prepare=a_new_user, as_user=None),
    Call("POST /api/auth/refresh", 401, body={"refresh_token": "no.such.token"}, as_user=None),
    Call("POST /api/auth/logout", 200, body={"refresh_token": "{refresh}"}, prepare=a_new_user, as_user="{as_user}"),
    Call("POST /api/auth/logout", 422, body={"refresh_token": 7}),
    Call(
        "POST /api/auth/change-password",
        200,
        body={"old_password": "first-secret", "new_password": "second-secret"},
        prepare=a_new_user,
        as_user="{as_user}",
    ),
    Call("POST /api/auth/change-password", 403, body={"old_password": "wrong-one", "new_password": "second-secret"}),
    Call("GET /api/auth/me", 200),
    Call("GET /api/auth/me", 404, as_user=NOBODY),
]

WATCHLIST = [
    Call("GET /api/favorites", 200, prepare=two_items),
    Call("GET /api/favorites", 200, prepare=no_items),
    Call("GET /api/favorites", 500, fault=True),
    Call("POST /api/favorites", 200, body={"stock_code": "600519"}, prepare=no_items),
    Call(
        "POST /api/favorites",
        200,
        body={"stock_code": "600519", "stock_name": "My own name", "tags": ["x"], "alert_price_low": 1},
        prepare=no_items,
    ),
    Call("POST /api/favorites", 400, body={"stock_code": "600519"}, prepare=two_items),
    Call("POST /api/favorites", 404, body={"stock_code": "999999"}),
    Call("POST /api/favorites", 422, body={"stock_code": "no stock!"}),
    Call("POST /api/favorites", 422, body={}),
    Call("POST /api/favorites", 422, body={"stock_code": "600519", "alert_price_high": "much"}),
    Call("DELETE /api/favorites/{stock_code}", 200, path="/api/favorites/600519", prepare=two_items),
    Call("DELETE /api/favorites/{stock_code}", 404, path="/api/favorites/600519", prepare=no_items),
    Call(
        "PATCH /api/favorites/{stock_code}",
        200,
        path="/api/favorites/600519",
        body={"notes": "new", "alert_price_high": None, "alert_price_low": 12.5},
        prepare=two_items,
    ),
    Call("PATCH /api/favorites/{stock_code}", 200, path="/api/favorites/600519", body={}, prepare=two_items),
    Call("PATCH /api/favorites/{stock_code}", 404, path="/api/favorites/600519", body={"notes": "n"}, prepare=no_items),
    Call("PATCH /api/favorites/{stock_code}", 422, path="/api/favorites/600519", body={"tags": 7}, prepare=two_items),
]

NEWS = [
    Call("GET /api/news", 200),
    Call("GET /api/news", 200, path="/api/news?symbol=600519&page=1&page_size=3"),
    Call("GET /api/news", 422, path="/api/news?page=0"),
    Call("GET /api/news", 422, path="/api/news?page_size=many"),
    Call("GET /api/news/{id}", 200, path="/api/news/{id}", prepare=a_news_id),
    Call("GET /api/news/{id}", 404, path="/api/news/no-such-item"),
    Call("POST /api/news/sync", 200, body={"symbols": ["600519"], "limit": 2}, varies=frozenset({"synced"})),
    Call("POST /api/news/sync", 422, body={"limit": 99}),
]

QUEUE = [
    Call("GET /api/queue/stats", 200, varies=frozenset({"queued", "processing", "completed", "cancelled", "total"})),
    Call("GET /api/queue/stats", 500, fault=True),
    Call("POST /api/queue/submit", 200, body={"stock_codes": ["600519", "000001"], "analysis_type": "momentum"}),
    Call("POST /api/queue/submit", 422, body={"stock_codes": []}),
    Call("POST /api/queue/submit", 422, body={"stock_codes": ["600519"], "priority": 11}),
    Call("POST /api/queue/submit", 404, body={"stock_codes": ["999999"]}),
    Call("GET /api/queue/tasks", 200, path="/api/queue/tasks?status=completed&page_size=1", prepare=a_done_task),
    Call("GET /api/queue/tasks", 422, path="/api/queue/tasks?page=0"),
    Call("GET /api/queue/tasks", 422, path="/api/queue/tasks?status=bogus"),
    Call("GET /api/queue/tasks/{id}", 200, path="/api/queue/tasks/{id}", prepare=a_done_task),
    Call("GET /api/queue/tasks/{id}", 404, path="/api/queue/tasks/no-such-task"),
    Call("DELETE /api/queue/tasks/{id}", 200, path="/api/queue/tasks/{id}", prepare=a_waiting_task),
    Call("DELETE /api/queue/tasks/{id}", 400, path="/api/queue/tasks/{id}", prepare=a_done_task),
    Call("DELETE /api/queue/tasks/{id}", 404, path="/api/queue/tasks/no-such-task"),
]

ANALYSIS = [
    Call("POST /api/analysis/stock", 200, body={"stock_code": "600519", "analysis_type": "volatility", "days": 30}),
    Call("POST /api/analysis/stock", 404, body={"stock_code": "999999"}),
    Call("POST /api/analysis/stock", 422, body={"stock_code": "600519", "days": 3}),
    Call("GET /api/analysis/tasks/{id}", 200, path="/api/analysis/tasks/{id}", prepare=a_done_task),
    Call("GET /api/analysis/tasks/{id}", 404, path="/api/analysis/tasks/no-such-task"),
    Call("GET /api/analysis/result/{id}", 200, path="/api/analysis/result/{id}", prepare=a_done_task),
    Call("GET /api/analysis/result/{id}", 400, path="/api/analysis/result/{id}", prepare=a_waiting_task),
    Call("GET /api/analysis/result/{id}", 404, path="/api/analysis/result/no-such-task"),
    Call("GET /api/analysis/history", 200, path="/api/analysis/history?page_size=1", prepare=a_done_task),
    Call("GET /api/analysis/history", 422, path="/api/analysis/history?page_size=1000"),
]

STOCKS = [
    Call("GET /api/stocks", 200),
    Call("GET /api/stocks", 200, path="/api/stocks?page=2&page_size=7"),
    Call("GET /api/stocks", 200, path="/api/stocks?q=%E8%8C%85&market=none"),
    Call("GET /api/stocks", 422, path="/api/stocks?page_size=1000"),
    Call("GET /api/stocks/{symbol}", 200, path="/api/stocks/600519"),
    Call("GET /api/stocks/{symbol}", 404, path="/api/stocks/999999"),
    Call(
        "GET /api/stocks/{symbol}/quote",
        200,
        path="/api/stocks/600519/quote",
        varies=frozenset({"price", "change", "change_percent", "open", "high", "low", "prev_close", "volume", "time"}),
    ),
    Call("GET /api/stocks/{symbol}/quote", 404, path="/api/stocks/999999/quote"),
    Call("GET /api/stocks/{symbol}/kline", 200, path="/api/stocks/600519/kline?period=week&limit=5"),
    Call("GET /api/stocks/{symbol}/kline", 200, path="/api/stocks/600519/kline"),
    Call("GET /api/stocks/{symbol}/kline", 422, path="/api/stocks/600519/kline?limit=0"),
    Call("GET /api/stocks/{symbol}/kline", 404, path="/api/stocks/999999/kline"),
]

CONFIG = [
    Call("GET /api/config", 200),
    Call("GET /api/config", 500, fault=True),
    Call("PATCH /api/config", 200, body={"max_favorites": 90, "features": {"news": False}}),
    Call("PATCH /api/config", 422, body={"refresh_interval": 0}),
    Call("PATCH /api/config", 403, body={"max_favorites": 90}, as_user="bob"),
    Call("GET /api/config/markets", 200),
    Call("GET /api/config/markets", 500, fault=True),
]

AREAS = {
    "auth": Area(frozenset({"access_token", "refresh_token", "id", "username", "email", "created_at"}), AUTH),
    "watchlist": Area(frozenset(TIMES), WATCHLIST),
    "news": Area(frozenset({"updated_at"}), NEWS),
    "queue": Area(frozenset(TIMES | {"task_id", "task_ids", "total"}), QUEUE),
    "analysis": Area(frozenset(TIMES | {"task_id", "total", "status"}), ANALYSIS),
    "stocks": Area(frozenset(), STOCKS),
    "config": Area(frozenset(), CONFIG),
}
