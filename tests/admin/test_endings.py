"""Putting the end off over the admin API of a whole gateway: extensions and brownouts, live."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.admin import EYES, admin_of
from tests.support.client import ask
from tests.support.clock import FakeClock
from tests.support.gateway import migrating
from tests.support.upstream import ScriptedUpstream

DATED = """    deprecation:
      announced: 2027-01-01
      deprecated: +30d
      gone: +60d
      removed: +90d
      brownouts: [{at: 2027-02-10T09:00Z, for: 1h}]
      extensions: [{consumer: acme, until: 2027-03-10, reason: contract}]
auth: {consumer: ["header:X-User"]}
"""
EXTENSION = {"migration": "watchlist", "consumer": "bob", "until": "2027-03-12", "reason": "ticket 7"}
BROWNOUT = {"migration": "watchlist", "at": "2027-02-10T09:00Z", "reason": "a bad day"}


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def text(origin: str = "http://127.0.0.1:1") -> str:
    return migrating(origin, origin, percent=0, rest=DATED)


async def status(port: int, user: str) -> int:
    return (await ask(port, "/api/favorites", fields={"X-User": user})).status


async def test_an_extension_is_granted_listed_withdrawn_and_expires_by_itself(tmp_path: Path) -> None:
    clock = FakeClock(moment("2027-03-05"))
    async with ScriptedUpstream() as v1, admin_of(tmp_path, text(v1.origin), clock) as admin:
        port = admin.gateway.public_port
        assert [await status(port, user) for user in ("acme", "bob")] == [200, 410]
        created, granted = await admin.post("/api/extensions", **EXTENSION)
        assert (created, granted["until"], granted["who"]) == (201, "2027-03-12T00:00:00Z", "operator:ops")
        assert [await status(port, user) for user in ("acme", "bob")] == [200, 200]
        listed = (await admin.get("/api/extensions"))[1]["extensions"]
        assert [(one["consumer"], one["who"], one["why"]) for one in listed] == [
            ("acme", "file", ""),
            ("bob", "operator:ops", "ticket 7"),
        ]
        clock.jump(moment("2027-03-11"))
        assert [await status(port, user) for user in ("acme", "bob")] == [410, 200]
        assert [one["consumer"] for one in (await admin.get("/api/extensions"))[1]["extensions"]] == ["bob"]
        assert (await admin.delete(f"/api/extensions/{granted['id']}", reason="they are done"))[0] == 200
        assert await status(port, "bob") == 410
        assert (await admin.get("/api/extensions"))[1]["extensions"] == []
        events = (await admin.get("/api/events?limit=2"))[1]["events"]
        assert [(event["what"], event["who"], event["why"]) for event in events] == [
            ("withdraw", "operator:ops", "they are done"),
            ("extend", "operator:ops", "ticket 7"),
        ]


async def test_the_files_extension_can_be_withdrawn_and_granted_again(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, admin_of(tmp_path, text(v1.origin), FakeClock(moment("2027-03-05"))) as admin:
        port = admin.gateway.public_port
        assert (await admin.delete("/api/extensions/file:watchlist:acme"))[0] == 200
        assert await status(port, "acme") == 410
        assert (await admin.post("/api/extensions", **{**EXTENSION, "consumer": "acme"}))[0] == 201
        assert await status(port, "acme") == 200


async def test_a_brownout_can_be_cancelled_while_it_lasts_and_restored(tmp_path: Path) -> None:
    async with (
        ScriptedUpstream() as v1,
        admin_of(tmp_path, text(v1.origin), FakeClock(moment("2027-02-10T09:30"))) as admin,
    ):
        port = admin.gateway.public_port
        assert await status(port, "bob") == 410
        assert (await admin.post("/api/brownouts/cancel", **BROWNOUT))[1]["cancelled"] is True
        assert await status(port, "bob") == 200
        assert (await admin.get("/api/brownouts"))[1]["brownouts"] == [
            {
                "migration": "watchlist",
                "at": "2027-02-10T09:00:00Z",
                "until": "2027-02-10T10:00:00Z",
                "cancelled": True,
            }
        ]
        assert (await admin.post("/api/brownouts/cancel", **BROWNOUT))[0] == 409
        assert (await admin.post("/api/brownouts/restore", **BROWNOUT))[0] == 200
        assert await status(port, "bob") == 410
        assert (await admin.post("/api/brownouts/restore", **BROWNOUT))[0] == 409


@pytest.mark.parametrize(
    ("path", "body", "code", "words"),
    [
        ("extensions", {**EXTENSION, "migration": "nothing"}, 404, "there are watchlist"),
        ("extensions", {**EXTENSION, "until": "2027-02-01"}, 422, "after gone (2027-03-02T00:00:00Z)"),
        ("extensions", {**EXTENSION, "until": "soon"}, 422, "ISO 8601"),
        ("extensions", {**EXTENSION, "reason": None}, 422, "reason is missing"),
        ("extensions", {**EXTENSION, "consumer": ""}, 422, "consumer must be"),
        ("extensions", {**EXTENSION, "who": "me"}, 422, "no member 'who'"),
        ("brownouts/cancel", {**BROWNOUT, "at": "2027-02-11"}, 404, "there are 2027-02-10T09:00:00Z"),
        ("brownouts/cancel", {**BROWNOUT, "migration": "nothing"}, 404, "there are watchlist"),
    ],
)
async def test_what_cannot_be_done_is_told_with_what_to_write(
    tmp_path: Path, path: str, body: dict[str, str], code: int, words: str
) -> None:
    async with admin_of(tmp_path, text(), FakeClock(moment("2027-02-01"))) as admin:
        found, problem = await admin.post(f"/api/{path}", **body)
        assert found == code
        assert words.lower() in problem["detail"].lower()
        assert (await admin.delete("/api/extensions/77"))[0] == 404
        assert (await admin.post(f"/api/{path}", EYES, **body))[0] == 403


async def test_an_extension_beyond_removed_says_so_and_a_brownout_that_is_over_cannot_be_cancelled(
    tmp_path: Path,
) -> None:
    async with admin_of(tmp_path, text(), FakeClock(moment("2027-02-11"))) as admin:
        _, granted = await admin.post("/api/extensions", **{**EXTENSION, "until": "2027-06-01"})
        assert granted["note"] == "removed (2027-04-01T00:00:00Z) ends it before"
        assert (await admin.post("/api/brownouts/cancel", **BROWNOUT))[0] == 409
        assert (await admin.get("/api/brownouts"))[1] == {"brownouts": []}


async def test_live_values_outlive_a_restart(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1:
        clock = FakeClock(moment("2027-03-05"))
        async with admin_of(tmp_path, text(v1.origin), clock) as admin:
            await admin.post("/api/extensions", **EXTENSION)
        async with admin_of(tmp_path, text(v1.origin), clock) as admin:
            assert await status(admin.gateway.public_port, "bob") == 200


async def test_the_status_warns_of_an_end_before_everybody_has_moved(tmp_path: Path) -> None:
    clock = FakeClock(moment("2027-02-01"))
    async with admin_of(tmp_path, text(), clock) as admin:
        assert (await admin.get("/api/status"))[1]["warnings"] == []
        clock.jump(moment("2027-02-20"))
        (warning,) = (await admin.get("/api/status"))[1]["warnings"]
        assert warning == "watchlist is gone on 2027-03-02, and 0 % are on the successor [gone-below-100]"
        await admin.post("/api/rollouts/watchlist/set", percent=100, reason="all")
        assert (await admin.get("/api/status"))[1]["warnings"] == []
