"""Who still calls, over the admin API of a whole gateway, and in the files that leave it."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.consumer_text import csv_text, safe
from gateway.cli.forecast import sentence
from tests.support.admin import Admin, admin_of
from tests.support.client import ask
from tests.support.clock import FakeClock
from tests.support.gateway import migrating
from tests.support.poll import until
from tests.support.upstream import ScriptedUpstream

DATED = """    deprecation: {announced: 2027-01-01, deprecated: +30d, gone: +60d, docs: "https://docs.test"}
auth: {consumer: ["header:X-User", ip]}
"""
NOW = datetime(2027, 2, 20, 12, tzinfo=UTC).timestamp()


async def settled(admin: Admin, requests: int, query: str = "") -> Any:
    """Return the consumers, once so many of their requests are in the store."""
    found: Any = None

    async def is_there() -> bool:
        nonlocal found
        found = (await admin.get(f"/api/consumers{query}"))[1]
        return requests <= sum(one["legacy"] + one["successor"] + one["refused"] for one in found["consumers"])

    await until(is_there)
    return found


async def test_consumers_are_listed_with_what_they_call_and_nobodys_address_is(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with ScriptedUpstream() as v1:
        text = migrating(v1.origin, v1.origin, percent=0, rest=DATED)
        async with admin_of(tmp_path, text, clock) as admin:
            for user in ("bob", "bob", "acme"):
                await ask(admin.gateway.public_port, "/api/favorites", fields={"X-User": user})
            await ask(admin.gateway.public_port, "/api/favorites")
            found = await settled(admin, 4, "?migration=watchlist&since=1d")
            top = (await admin.get("/api/consumers?limit=1"))[1]
            changes = (await admin.get("/api/forecast"))[1]["changes"]
            by_then = (await admin.get("/api/forecast?migration=watchlist&at=2027-03-05&limit=1"))[1]["changes"]
    first, *others = found["consumers"]
    assert first == {
        "migration": "watchlist",
        "consumer": "bob",
        "legacy": 2,
        "successor": 0,
        "refused": 0,
        "legacy_failures": 0,
        "successor_failures": 0,
        "served_by_successor": 0.0,
        "trend": {"course": "new since the headers", "before": 0.0, "recent": first["trend"]["recent"]},
        "first": "2027-02-20T12:00:00Z",
        "last": "2027-02-20T12:00:00Z",
        "endpoints": {"GET /api/favorites": 2},
    }
    names = {one["consumer"] for one in others}
    assert "acme" in names
    assert "127.0.0.1" not in str(found)
    assert [name[:8] for name in names - {"acme"}] == ["network:"]
    assert (top["consumers_known"], len(top["consumers"])) == (3, 1)
    (gone,) = changes
    assert (gone["at"], gone["status"], gone["consumers"], gone["requests_a_day"]) == (
        "2027-03-02T00:00:00Z",
        410,
        3,
        4.0,
    )
    assert gone["named"][0] == {"consumer": "bob", "requests_a_day": 2.0, "endpoints": ["GET /api/favorites"]}
    assert (by_then[0]["at"], by_then[0]["and_others"]) == ("2027-03-05T00:00:00Z", 2)
    assert sentence(gone) == ("2027-03-02, watchlist: 3 consumers with 4 requests a day will get 410 api-version-gone")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/consumers?migration=nothing", 404),
        ("/api/consumers?since=week", 422),
        ("/api/consumers?limit=0", 422),
        ("/api/forecast?migration=nothing", 404),
        ("/api/forecast?at=soon", 422),
    ],
)
async def test_a_bad_question_is_told_so(tmp_path: Path, path: str, code: int) -> None:
    async with admin_of(tmp_path, migrating("http://127.0.0.1:1", "http://127.0.0.1:1")) as admin:
        assert (await admin.get(path))[0] == code


def consumer(name: str) -> dict[str, Any]:
    return {
        "migration": "watchlist",
        "consumer": name,
        "legacy": 3,
        "successor": 1,
        "refused": 0,
        "served_by_successor": 0.25,
        "trend": {"course": "not yet", "before": 1.5, "recent": 2.0},
        "first": "2027-02-01T00:00:00Z",
        "last": "2027-02-20T12:00:00Z",
        "endpoints": {"GET /a": 3, "POST /a": 1},
    }


NAMES = ["=cmd|' /C calc'!A0", "+1", "-1", "@sum(1)", "\t=1", "\r=1", "\n=1", 'a"b', "a,b", "a\r\nb", "用户", "plain"]


def test_the_csv_holds_every_name_and_no_formula() -> None:
    header, *rows = csv.reader(io.StringIO(csv_text(map(consumer, NAMES)), newline=""))
    assert header[:3] == ["migration", "consumer", "legacy"]
    assert [row[1] for row in rows] == [safe(name) for name in NAMES]
    assert [cell for row in rows for cell in row if cell[:1] in set("=+-@\t\r\n") - {""}] == []
    assert [row[1].removeprefix("'") for row in rows] == NAMES
    assert rows[-1][2:] == [
        "3", "1", "0", "0.25", "not yet", "1.5", "2.0", "2027-02-01T00:00:00Z", "2027-02-20T12:00:00Z",
        "GET /a 3; POST /a 1",
    ]  # fmt: skip
