"""`/ws` in the dialect `tacn.v2`, over real sockets."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import jwt
import pytest

from backends.domain.faults import Faults
from backends.domain.platform import Platform, Settings
from backends.shell.running import listening
from backends.v2 import build
from tests.backends.conftest import JWT_SECRET
from tests.backends.v2.caller import Caller
from tests.backends.v2.talk import Talk

QUOTE = {"code", "price", "change", "changePercent", "volume", "timestamp"}
ANALYSIS = {"taskId", "status", "progress", "currentStep", "message"}


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Asks over and over until something holds, 20 s at most; each question is a round trip."""
    async with asyncio.timeout(20):
        while not await holds():
            pass


async def started(caller: Caller, symbol: str = "600519") -> str:
    """The id of a new analysis."""
    data = await caller.data("POST", "/api/v2/analysis/stock", {"symbol": symbol}, status=202)
    task_id: str = data["taskId"]
    return task_id


class TestEntering:
    """Who gets in."""

    async def test_the_token_may_be_in_the_header_or_in_the_query(self, bob: Caller) -> None:
        async with await bob.talk() as talk:
            assert talk.socket.protocol == "tacn.v2"
            await talk.say({"type": "ping", "id": "p"})
            pong = await talk.next()
        assert (pong["type"], pong["id"]) == ("pong", "p")
        async with await bob.talk(f"?token={bob.token}") as talk:
            await talk.say({"type": "ping"})
            assert (await talk.next())["type"] == "pong"

    @pytest.mark.parametrize("query", ["?token=x.y.z", "?token=", "?other=1"])
    async def test_a_bad_token_is_401_before_the_upgrade(self, query: str, anyone: Caller) -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await anyone.talk(query)
        assert refused.value.status == 401

    async def test_the_header_counts_before_the_query(self, bob: Caller) -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await bob.session.ws_connect(f"/ws?token={bob.token}", headers={"Authorization": "Bearer x.y.z"})

    async def test_no_handshake_is_400_in_v2s_shape(self, bob: Caller) -> None:
        assert (await bob.error(400, "GET", "/ws"))["code"] == "BAD_REQUEST"

    async def test_without_a_token_it_is_401_in_v2s_shape(self, anyone: Caller) -> None:
        assert (await anyone.error(401, "GET", "/ws"))["code"] == "UNAUTHORIZED"

    async def test_the_socket_closes_when_its_token_expires(self, anyone: Caller, platform: Platform) -> None:
        def soon(claims: dict[str, Any]) -> dict[str, Any]:
            return {**claims, "exp": int((platform.clock.now() + timedelta(seconds=1.5)).timestamp())}

        claims = jwt.decode(platform.accounts.service_token("x"), JWT_SECRET, ["HS256"], issuer="tacn")
        token = jwt.encode(soon(claims), JWT_SECRET, "HS256")
        async with await anyone.with_token(token).talk() as talk:
            assert await talk.closed() == 4401


class TestQuotes:
    """The channel `quotes`."""

    async def test_a_subscriber_gets_the_quote_at_once_and_its_changes(self, bob: Caller) -> None:
        async with await bob.talk() as talk:
            ack = await talk.subscribe("quotes", {"symbols": ["600519", "000001"]})
            assert ack == {"success": True, "subscribed": ["600519", "000001"], "unsubscribed": [], "errors": []}
            first = {(await talk.next())["data"]["code"] for _ in range(2)}
            assert first == {"600519", "000001"}
            update = await talk.hear("quote_update")
            assert update["channel"] == "quotes"
            assert set(update["data"]) == QUOTE
            assert isinstance(update["timestamp"], int)
            assert isinstance(update["data"]["timestamp"], int)

    async def test_unknown_symbols_are_errors_of_their_own(self, bob: Caller) -> None:
        async with await bob.talk() as talk:
            ack = await talk.subscribe("quotes", {"symbols": ["600519", "999999"]})
        assert (ack["success"], ack["subscribed"]) == (False, ["600519"])
        assert ack["errors"] == [{"symbol": "999999", "error": "there is no such stock"}]

    async def test_after_unsubscribing_nothing_comes(self, bob: Caller) -> None:
        async with await bob.talk() as talk:
            await talk.subscribe("quotes", {"symbols": ["600519", "000001"]})
            ack = await talk.unsubscribe("quotes", {"symbols": ["600519", "999999"]})
            assert ack["unsubscribed"] == ["600519", "999999"]
            assert await counts(bob) == {"total": 1, "symbols": {"000001": 1}}

    async def test_two_sockets_get_what_each_asked_for(self, bob: Caller, alice: Caller) -> None:
        async with await bob.talk() as one, await alice.talk() as other:
            await one.subscribe("quotes", {"symbols": ["600519"]})
            await other.subscribe("quotes", {"symbols": ["600519", "000001"]})
            assert await counts(bob) == {"total": 3, "symbols": {"000001": 1, "600519": 2}}
            assert {(await one.hear("quote_update"))["data"]["code"] for _ in range(3)} == {"600519"}
            codes: set[str] = set()
            while codes != {"600519", "000001"}:
                codes.add((await other.hear("quote_update"))["data"]["code"])

    async def test_a_closed_socket_holds_nothing(self, bob: Caller) -> None:
        async with await bob.talk() as talk:
            await talk.subscribe("quotes", {"symbols": ["600519"]})

        async def is_gone() -> bool:
            return await counts(bob) == {"total": 0, "symbols": {}}

        await until(is_gone)


class TestAnalysis:
    """The channel `analysis`."""

    async def test_a_task_is_followed_to_its_end(self, bob: Caller) -> None:
        task_id = await started(bob)
        async with await bob.talk() as talk:
            ack = await talk.subscribe("analysis", {"tasks": [task_id]})
            assert (ack["success"], ack["subscribed"]) == (True, [task_id])
            frames = [await talk.next()]
            while frames[-1]["type"] != "analysis_complete":
                frames.append(await talk.next())
            assert all(set(frame["data"]) == ANALYSIS for frame in frames)
            assert {frame["data"]["taskId"] for frame in frames} == {task_id}
            progress = [frame["data"]["progress"] for frame in frames]
            assert progress == sorted(progress)
            assert progress[-1] == 100
            assert (await info(bob))["subscriptions"]["analysis"] == 0

    async def test_a_task_that_has_ended_says_so_once(self, bob: Caller) -> None:
        task_id = await started(bob)
        async with await bob.talk() as talk:
            for _ in range(2):
                await talk.subscribe("analysis", {"tasks": [task_id]})
                assert (await talk.hear("analysis_complete"))["data"]["status"] == "completed"
            assert (await info(bob))["subscriptions"]["analysis"] == 0

    async def test_anothers_task_and_no_task_are_the_same_error(self, bob: Caller, alice: Caller) -> None:
        task_id = await started(bob)
        async with await alice.talk() as talk:
            ack = await talk.subscribe("analysis", {"tasks": [task_id, "none"]})
            assert ack["subscribed"] == []
            assert [error["task"] for error in ack["errors"]] == [task_id, "none"]
            assert len({error["error"] for error in ack["errors"]}) == 1
            await talk.say({"type": "ping"})
            assert (await talk.next())["type"] == "pong"

    async def test_two_sockets_of_one_user_both_follow(self, bob: Caller) -> None:
        task_id = await started(bob)
        async with await bob.talk() as one, await bob.talk() as other:
            for talk in (one, other):
                await talk.subscribe("analysis", {"tasks": [task_id]})
            for talk in (one, other):
                assert (await talk.hear("analysis_complete"))["data"]["taskId"] == task_id


class TestCancelling:
    """With steps that take for ever."""

    @pytest.fixture
    def platform_settings(self, platform_settings: Settings) -> Settings:
        return replace(platform_settings, step_seconds=60.0)

    async def test_a_cancelled_task_ends_as_failed(self, bob: Caller) -> None:
        task_id = await started(bob)
        async with await bob.talk() as talk:
            await talk.subscribe("analysis", {"tasks": [task_id]})
            await bob.data("DELETE", f"/api/v2/queue/tasks/{task_id}")
            failed = await talk.hear("analysis_failed")
        assert failed["data"]["status"] == "cancelled"


class TestNotifications:
    """The channel `notifications`."""

    async def test_a_user_gets_their_own(self, bob: Caller, alice: Caller, platform: Platform) -> None:
        async with await bob.talk() as talk:
            ack = await talk.subscribe("notifications", {})
            assert ack["subscribed"] == ["bob"]
            await platform.notifications.publish("alice", "note", {"n": 1})
            await platform.notifications.publish("bob", "note", {"n": 2})
            frame = await talk.hear("notification")
        assert frame["channel"] == "notifications"
        assert set(frame["data"]) == {"id", "user", "kind", "data", "createdAt"}
        assert (frame["data"]["user"], frame["data"]["kind"], frame["data"]["data"]) == ("bob", "note", {"n": 2})

    async def test_nobody_else_gets_them(self, bob: Caller) -> None:
        async with await bob.talk() as talk:
            ack = await talk.subscribe("notifications", {"onBehalfOf": "alice"})
        assert ack["subscribed"] == []
        assert ack["errors"] == [{"user": "alice", "error": "only a service may act for another user"}]


class TestServices:
    """Tokens with the role `service`."""

    async def test_a_service_follows_a_task_for_its_user(self, bob: Caller, service: Caller) -> None:
        task_id = await started(bob)
        async with await service.talk() as talk:
            ack = await talk.subscribe("analysis", {"tasks": [task_id], "onBehalfOf": "bob"})
            assert ack["subscribed"] == [task_id]
            await talk.hear("analysis_complete")

    async def test_a_service_has_no_more_rights_than_the_user_it_names(self, bob: Caller, service: Caller) -> None:
        task_id = await started(bob)
        async with await service.talk() as talk:
            ack = await talk.subscribe("analysis", {"tasks": [task_id], "onBehalfOf": "alice"})
            assert [error["task"] for error in ack["errors"]] == [task_id]

    @pytest.mark.parametrize(("channel", "data"), [("analysis", {"tasks": ["t"]}), ("notifications", {})])
    async def test_a_service_must_say_for_whom(self, channel: str, data: dict[str, Any], service: Caller) -> None:
        async with await service.talk() as talk:
            ack = await talk.subscribe(channel, data)
        assert (ack["success"], ack["subscribed"]) == (False, [])
        assert [error["error"] for error in ack["errors"]] == ["a service must name the user it acts for"]

    async def test_one_service_socket_carries_many_users(self, service: Caller, platform: Platform) -> None:
        async with await service.talk() as talk:
            for user in ("alice", "bob"):
                ack = await talk.subscribe("notifications", {"onBehalfOf": user})
                assert ack["subscribed"] == [user]
            await talk.unsubscribe("notifications", {"onBehalfOf": "alice"})
            for user in ("alice", "carol", "bob"):
                await platform.notifications.publish(user, "note", {})
            assert (await talk.hear("notification"))["data"]["user"] == "bob"

    async def test_quotes_need_no_user(self, service: Caller) -> None:
        async with await service.talk() as talk:
            assert (await talk.subscribe("quotes", {"symbols": ["600519"]}))["success"]

    async def test_a_user_who_names_another_is_refused_by_the_item(self, bob: Caller, alice: Caller) -> None:
        task_id = await started(bob)
        async with await alice.talk() as talk:
            ack = await talk.subscribe("analysis", {"tasks": [task_id], "onBehalfOf": "bob"})
        assert ack["errors"] == [{"task": task_id, "error": "only a service may act for another user"}]


class TestNonsense:
    """Frames that make no sense."""

    @pytest.mark.parametrize(
        ("frame", "frame_id"),
        [
            ("{", None),
            ("[]", None),
            ('{"type":"subscription","id":"9"}', "9"),
            ('{"type":"subscription","id":"9","channel":"weather","data":{}}', "9"),
            ('{"type":"dance","id":9}', 9),
        ],
    )
    async def test_they_get_an_error_and_the_socket_stays_open(self, frame: str, frame_id: object, bob: Caller) -> None:
        async with await bob.talk() as talk:
            await talk.say(frame)
            answer = await talk.next()
            assert (answer["type"], answer["id"]) == ("error", frame_id)
            assert set(answer["data"]) == {"code", "message"}
            await talk.say({"type": "ping"})
            assert (await talk.next())["type"] == "pong"

    async def test_binary_frames_get_one_too(self, bob: Caller) -> None:
        async with await bob.talk() as talk:
            await talk.socket.send_bytes(b"{}")
            assert (await talk.next())["data"]["message"] == "the frame must be text"
            await talk.say({"type": "ping"})
            assert (await talk.next())["type"] == "pong"

    async def test_too_large_a_frame_closes_the_socket(self, bob: Caller) -> None:
        async with await bob.talk() as talk:
            await talk.say(json.dumps({"type": "ping", "id": "x" * 70_000}))
            assert await talk.closed() == 1009


class TestSlowReaders:
    """A client that does not read."""

    async def test_it_loses_its_socket_and_the_others_go_on(
        self, bob: Caller, alice: Caller, platform: Platform
    ) -> None:
        async with await bob.talk() as quick, await alice.talk() as slow:
            await quick.subscribe("notifications", {})
            await slow.subscribe("notifications", {})
            transport = transport_of(slow.socket)
            transport.pause_reading()
            payload = {"text": "x" * 50_000}

            async def is_cut() -> bool:
                await platform.notifications.publish("alice", "note", payload)
                return bool((await info(bob))["connections"] == 1)

            await until(is_cut)
            transport.resume_reading()
            await platform.notifications.publish("bob", "note", {"n": 1})
            assert (await quick.hear("notification"))["data"]["data"] == {"n": 1}


class TestStopping:
    """The end of the process."""

    async def test_open_sockets_are_told_that_it_goes_away(self, platform: Platform) -> None:
        application = build(platform, faults=Faults(random.Random(1)))
        headers = {"Authorization": f"Bearer {platform.accounts.service_token('gateway')}"}
        async with aiohttp.ClientSession(headers=headers) as session, asyncio.TaskGroup() as group:
            async with listening(application, host="127.0.0.1", port=0) as port:
                talk = Talk(await session.ws_connect(f"http://127.0.0.1:{port}/ws"))
                await talk.say({"type": "ping"})
                await talk.next()
                closing = group.create_task(talk.closed())
            assert await closing == 1001


class TestReports:
    """`/ws/info` and `/ws/quotes/subscriptions`."""

    async def test_the_info_counts_sockets_and_subscriptions(self, bob: Caller) -> None:
        async with await bob.talk() as talk:
            await talk.subscribe("quotes", {"symbols": ["600519", "000001"]})
            await talk.subscribe("notifications", {}, "2")
            data = await info(bob)
        assert set(data) == {"protocols", "connections", "subscriptions", "uptime_seconds"}
        assert data["protocols"] == ["tacn.v2"]
        assert data["connections"] == 1
        assert data["subscriptions"] == {"quotes": 2, "analysis": 0, "notifications": 1}


async def info(caller: Caller) -> dict[str, Any]:
    """`/ws/info`."""
    return await caller.answer(200, "GET", "/ws/info")


async def counts(caller: Caller) -> dict[str, Any]:
    """`/ws/quotes/subscriptions`."""
    return await caller.answer(200, "GET", "/ws/quotes/subscriptions")


def transport_of(socket: aiohttp.ClientWebSocketResponse) -> asyncio.Transport:
    """The client's end of the connection, to make it stop reading; aiohttp has no public way to it."""
    transport = socket._writer.transport
    assert isinstance(transport, asyncio.Transport)
    return transport
