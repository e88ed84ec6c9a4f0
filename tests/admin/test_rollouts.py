"""The operators' verbs over the admin API of a whole gateway: what they do, and what is said when they cannot."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from tests.support.admin import EYES, admin_of
from tests.support.client import ask
from tests.support.gateway import migrating, running
from tests.support.poll import until
from tests.support.upstream import ScriptedUpstream, answering, json_answer

RAMP = ", ramp: {steps: [1, 10, 50, 100], bake: 1h, interval: 10s}"


def _text(percent: float = 10, *, ramp: str = "", rest: str = "") -> str:
    return migrating("http://127.0.0.1:1", "http://127.0.0.1:2", percent=percent, rest=rest).replace(
        "salt: tacn}", f"salt: tacn{ramp}}}"
    )


async def test_a_rollout_shows_where_it_stands(tmp_path: Path) -> None:
    async with admin_of(tmp_path, _text(10, ramp=RAMP)) as admin:
        status, found = await admin.get("/api/rollouts/watchlist")
        assert status == 200
        assert (found["percent"], found["state"], found["step"]) == (10.0, "baking", 2)
        assert found["steps"] == [1.0, 10.0, 50.0, 100.0]
        assert (found["file_percent"], found["differs"]) == (10.0, False)
        assert (await admin.get("/api/rollouts"))[1]["rollouts"][0]["migration"] == "watchlist"


async def test_a_percent_that_is_set_holds_at_once_and_is_in_the_log(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, ScriptedUpstream() as v2:
        text = migrating(v1.origin, v2.origin, percent=0)
        async with admin_of(tmp_path, text) as admin:
            status, found = await admin.post("/api/rollouts/watchlist/set", percent=100, reason="all of it")
            assert (status, found["percent"], found["differs"]) == (200, 100.0, True)
            answer = await ask(admin.gateway.public_port, "/api/favorites", fields={"X-User": "alice"})
            assert answer.get("X-Served-By") == "v2"
            (event, first) = (await admin.get("/api/events"))[1]["events"]
    assert (event["what"], event["who"], event["why"]) == ("set", "operator:ops", "all of it")
    assert (event["from"]["percent"], event["to"]["percent"]) == (0.0, 100.0)
    assert (first["what"], first["who"]) == ("file", "file")


async def test_the_verbs_follow_each_other(tmp_path: Path) -> None:
    async with admin_of(tmp_path, _text(10, ramp=RAMP)) as admin:
        states = []
        for verb in ("pause", "resume", "promote", "rollback"):
            status, found = await admin.post(f"/api/rollouts/watchlist/{verb}", reason="try")
            states.append((status, found["state"], found["percent"]))
        assert states == [
            (200, "paused", 10.0),
            (200, "baking", 10.0),
            (200, "promoted", 100.0),
            (200, "rolled_back", 0.0),
        ]
        status, problem = await admin.post("/api/rollouts/watchlist/rollback", reason="again")
        assert (status, problem["detail"]) == (409, "it is rolled_back already")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"percent": 101, "reason": "x"}', "from 0 to 100"),
        (b'{"percent": -1, "reason": "x"}', "from 0 to 100"),
        (b'{"percent": 1.00001, "reason": "x"}', "three decimals"),
        (b'{"percent": true, "reason": "x"}', "from 0 to 100"),
        (b'{"percent": "5", "reason": "x"}', "from 0 to 100"),
        (b'{"percent": NaN, "reason": "x"}', "not JSON"),
        (b'{"reason": "x"}', "percent is missing"),
        (b'{"percent": 5}', "reason is missing"),
        (b'{"percent": 5, "reason": "  "}', "printable"),
        (b'{"percent": 5, "reason": "x", "why": 1}', "no member 'why'"),
        (b"[]", "not a JSON object"),
        (b"", "not JSON"),
    ],
)
async def test_a_bad_call_is_told_what_to_write(tmp_path: Path, body: bytes, words: str) -> None:
    async with admin_of(tmp_path, _text()) as admin:
        status, problem = await admin.raw("/api/rollouts/watchlist/set", body)
        assert status == 422
        assert words.lower() in problem["detail"].lower()
        assert (await admin.get("/api/rollouts/watchlist"))[1]["percent"] == 10.0


async def test_only_operators_change_anything(tmp_path: Path) -> None:
    async with admin_of(tmp_path, _text()) as admin:
        for verb in ("set", "pause", "resume", "promote", "rollback"):
            status, problem = await admin.post(f"/api/rollouts/watchlist/{verb}", EYES, percent=5, reason="x")
            assert (status, problem["type"]) == (403, "urn:crossfade:problem:forbidden")
            assert (await admin.post(f"/api/rollouts/watchlist/{verb}", {}, reason="x"))[0] == 401
        assert len((await admin.get("/api/events"))[1]["events"]) == 1


async def test_an_unknown_migration_is_named(tmp_path: Path) -> None:
    async with admin_of(tmp_path, _text()) as admin:
        status, problem = await admin.post("/api/rollouts/nope/set", percent=5, reason="x")
        assert status == 404
        assert problem["detail"] == "There is no migration 'nope'; there are watchlist."


async def test_a_restart_with_an_unchanged_file_keeps_the_live_percent(tmp_path: Path) -> None:
    async with admin_of(tmp_path, _text(10)) as admin:
        await admin.post("/api/rollouts/watchlist/set", percent=35, reason="x")
    async with admin_of(tmp_path, _text(10)) as admin:
        found = (await admin.get("/api/rollouts/watchlist"))[1]
        assert (found["percent"], found["file_percent"], found["differs"]) == (35.0, 10.0, True)
        drift = (await admin.get("/api/status"))[1]["drift"]["watchlist"]
        assert drift == {"file": 10.0, "live": 35.0, "differs": True}


async def test_an_edited_percent_is_an_event_too_whether_it_runs_or_starts(tmp_path: Path) -> None:
    async with admin_of(tmp_path, _text(10)) as admin:
        await admin.post("/api/rollouts/watchlist/set", percent=35, reason="x")
        (tmp_path / "gateway.yaml").write_text(_text(20))

        async def is_applied() -> bool:
            return bool((await admin.get("/api/rollouts/watchlist"))[1]["percent"] == 20.0)

        await until(is_applied)
    async with admin_of(tmp_path, _text(30)) as admin:
        assert (await admin.get("/api/rollouts/watchlist"))[1]["percent"] == 30.0
        events = (await admin.get("/api/events"))[1]["events"]
    assert [(event["what"], event["to"]["percent"]) for event in events] == [
        ("file", 30.0),
        ("file", 20.0),
        ("set", 35.0),
        ("file", 10.0),
    ]


async def test_the_log_can_be_read_page_by_page(tmp_path: Path) -> None:
    async with admin_of(tmp_path, _text()) as admin:
        for percent in range(1, 8):
            await admin.post("/api/rollouts/watchlist/set", percent=percent, reason=f"step {percent}")
        first = (await admin.get("/api/events?limit=3&migration=watchlist"))[1]
        second = (await admin.get(f"/api/events?limit=50&before={first['before']}"))[1]
        assert [event["number"] for event in first["events"] + second["events"]] == [8, 7, 6, 5, 4, 3, 2, 1]
        assert second["before"] is None
        assert (await admin.get("/api/events?limit=0"))[0] == 422
        assert (await admin.get("/api/events?before=x"))[0] == 422


async def test_who_moves_is_told_from_the_traffic_of_the_day(tmp_path: Path) -> None:
    async with (
        ScriptedUpstream() as v1,
        ScriptedUpstream() as v2,
        admin_of(tmp_path, migrating(v1.origin, v2.origin, percent=10)) as admin,
    ):
        port = admin.gateway.public_port
        await asyncio.gather(
            *(ask(port, "/api/favorites", fields={"X-User": f"user-{number}"}) for number in range(40))
        )

        async def is_counted() -> bool:
            found = (await admin.get("/api/rollouts/watchlist/preview?percent=60"))[1]
            return bool(found["requests"]["known"] == 40)

        await until(is_counted)
        found = (await admin.get("/api/rollouts/watchlist/preview?percent=60"))[1]
        served = {}
        for percent in (10, 60):
            await admin.post("/api/rollouts/watchlist/set", percent=percent, reason="x")
            for number in range(40):
                answer = await ask(port, "/api/favorites", fields={"X-User": f"user-{number}"})
                served[percent, number] = answer.get("X-Served-By")
    moved = sum(served[10, number] != served[60, number] for number in range(40))
    assert found["keys"] == {"known": 40, "moving": moved}
    assert found["nobody_moves_back"]
    assert all(served[60, number] == "v2" for number in range(40) if served[10, number] == "v2")


@pytest.mark.parametrize("query", ["", "?percent=x", "?percent=101", "?percent=nan"])
async def test_a_preview_of_no_percent_is_refused(tmp_path: Path, query: str) -> None:
    async with admin_of(tmp_path, _text()) as admin:
        assert (await admin.get(f"/api/rollouts/watchlist/preview{query}"))[0] == 422


async def test_the_running_rules_explain_themselves(tmp_path: Path) -> None:
    async with admin_of(tmp_path, _text(0)) as admin:
        await admin.post("/api/rollouts/watchlist/set", percent=100, reason="x")
        status, found = await admin.get("/api/explain?request=GET+/api/favorites&header=X-User:alice")
        assert (status, found["decision"]["upstream"]) == (200, "v2")
        assert (await admin.get("/api/explain?request=favorites"))[0] == 422
        assert (await admin.get("/api/explain?request=GET+/&at=never"))[0] == 422
        assert (await admin.get("/api/explain?request=GET+/&who=me"))[0] == 422


async def test_what_happens_is_told_as_it_happens(tmp_path: Path) -> None:
    async with admin_of(tmp_path, _text(10)) as admin:
        url = f"http://127.0.0.1:{admin.gateway.admin_port}/api/stream"
        async with aiohttp.ClientSession() as session, session.get(url, headers=EYES) as stream:
            assert stream.content_type == "text/event-stream"
            await stream.content.readuntil(b"event: rollouts\n")
            first = json.loads((await stream.content.readline()).removeprefix(b"data: "))
            assert first["rollouts"][0]["percent"] == 10.0
            await admin.post("/api/rollouts/watchlist/set", percent=33, reason="x")
            await stream.content.readuntil(b"event: event\n")
            event = json.loads((await stream.content.readline()).removeprefix(b"data: "))
            assert (event["what"], event["to"]["percent"]) == ("set", 33.0)


async def test_what_shadows_find_is_told_by_field_with_redacted_samples(tmp_path: Path) -> None:
    legacy = answering(json_answer(b'{"success": true, "data": [{"stock_code": "600519"}]}'))
    successor = answering(json_answer(b'{"success": true, "data": [{"symbol": "000001-secret"}]}'))
    async with ScriptedUpstream(legacy) as v1, ScriptedUpstream(successor) as v2:
        text = migrating(v1.origin, v2.origin, percent=0).replace("salt: tacn}", "salt: tacn, shadow: {percent: 100}}")
        async with admin_of(tmp_path, text) as admin:
            assert (await ask(admin.gateway.public_port, "/api/favorites", fields={"X-User": "a"})).status == 200

            async def is_told() -> bool:
                return bool((await admin.get("/api/shadow/watchlist"))[1]["samples"])

            await until(is_told)
            found = (await admin.get("/api/shadow/watchlist"))[1]
            assert (await admin.get("/api/shadow/nope"))[0] == 404
    assert (found["compared"], found["mismatched"]) == (1, 1)
    assert found["fields"] == [{"path": "data[*].stock_code", "count": 1}]
    assert found["samples"][0]["differences"]["data[*].stock_code"] == {"legacy": "str(6)", "successor": "str(13)"}
    assert "secret" not in json.dumps(found)


async def test_whoever_comes_back_to_the_stream_hears_what_was_missed(tmp_path: Path) -> None:
    async with admin_of(tmp_path, _text(10)) as admin:
        for percent in (11, 12, 13):
            await admin.post("/api/rollouts/watchlist/set", percent=percent, reason="x")
        url = f"http://127.0.0.1:{admin.gateway.admin_port}/api/stream"
        since = {**EYES, "Last-Event-ID": "2"}
        async with aiohttp.ClientSession() as session, session.get(url, headers=since) as stream:
            for percent in (12.0, 13.0):
                await stream.content.readuntil(b"event: event\n")
                event = json.loads((await stream.content.readline()).removeprefix(b"data: "))
                assert event["to"]["percent"] == percent


async def test_what_was_counted_last_is_in_the_ledger_after_a_stop(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, ScriptedUpstream() as v2:
        text = migrating(v1.origin, v2.origin, percent=10)
        async with running(tmp_path, text) as gateway:
            for number in range(9):
                await ask(gateway.public_port, "/api/favorites", fields={"X-User": f"user-{number}"})
        async with admin_of(tmp_path, text) as admin:
            found = (await admin.get("/api/rollouts/watchlist/preview?percent=60"))[1]
    assert found["requests"]["known"] == 9
