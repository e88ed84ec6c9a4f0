"""One client's socket: commands and their replies, tokens, time-outs and limits."""

import asyncio
from typing import Any

import orjson
import pytest

from tests.realtime.place import Place
from tests.support.soon import soon
from tests.support.ws_client import WebSocketClient, websocket
from tests.support.ws_frame import client_frame

MINUTE = 60.0


async def ends_with(client: WebSocketClient, code: int) -> dict[str, Any]:
    """Read to the end and return the `disconnect` frame that came right before the close frame."""
    before, found = await client.to_close()
    assert found == code, before
    farewell: dict[str, Any] = orjson.loads([one for one in before if one.opcode == 1][-1].payload)
    assert farewell["type"] == "disconnect"
    assert farewell["code"] == code
    assert before[-1].opcode == 1
    return farewell


# ---------------------------------------------------------------------- the welcome


async def test_a_client_is_welcomed_with_who_it_is_and_what_it_may(site: Place) -> None:
    async with websocket(site.port, fields=site.bearer(seconds=900)) as client:
        welcome = await client.hear()
    assert welcome.pop("session")
    assert welcome == {
        "type": "welcome",
        "protocol": "crossfade.v1",
        "user": "alice",
        "expires_at": int((site.clock.now() + 900) * 1000),
        "heartbeat_ms": 25_000,
        "limits": {"topics": 5, "frame_bytes": 65_536},
    }


# ---------------------------------------------------------------------- commands


async def test_a_subscription_is_answered_and_then_served(site: Place) -> None:
    async with site.client() as client:
        await client.say({"id": 1, "op": "subscribe", "topics": ["quotes:600519"]})
        assert await soon(lambda: bool(site.stage.upstream.asked))
        site.stage.agree()
        reply = await client.hear()
        assert (reply["id"], reply["type"], reply["ok"]) == (1, "reply", True)
        held = reply["result"]["subscribed"]["quotes:600519"]
        assert held == {"epoch": "e1", "offset": 0, "mode": "latest", "state": "live"}
        site.stage.say(("quotes:600519", {"price": 1}))
        message = await client.frame()
        assert message.payload.startswith(b'{"type":"message","topic":"quotes:600519","offset":1,"ts":1000,"data":{')


async def test_rejected_topics_say_why_and_the_others_are_served(site: Place) -> None:
    async with site.client() as client:
        await client.say({"id": "x", "op": "subscribe", "topics": ["nothing:1", "notifications:bob", "notifications"]})
        assert await soon(lambda: bool(site.stage.upstream.asked))
        site.stage.agree()
        result = (await client.hear())["result"]
        assert list(result["subscribed"]) == ["notifications"]
        assert result["rejected"]["nothing:1"] == {"code": 102, "reason": "unknown_topic", "temporary": False}
        assert result["rejected"]["notifications:bob"]["code"] == 103


async def test_unsubscribing_and_listing_tell_what_is_held(site: Place) -> None:
    async with site.client() as client:
        await client.say({"id": 1, "op": "subscribe", "topics": ["quotes:1", "quotes:2"]})
        assert await soon(lambda: bool(site.stage.upstream.asked))
        site.stage.agree()
        await client.hear()
        await client.say([{"id": 2, "op": "unsubscribe", "topics": ["quotes:1", "quotes:9"]}, {"id": 3, "op": "list"}])
        assert (await client.hear())["result"] == {"unsubscribed": ["quotes:1"]}
        assert list((await client.hear())["result"]["topics"]) == ["quotes:2"]


async def test_a_ping_is_answered_with_the_time(site: Place) -> None:
    async with site.client() as client:
        await client.say({"id": 4, "op": "ping"})
        expected = {"id": 4, "type": "reply", "ok": True, "result": {"ts": round(site.clock.now() * 1000)}}
        assert await client.hear() == expected


BAD = {
    "no JSON": (b"{", None, 107),
    "a number": (b"1", None, 107),
    "an empty list": (b"[]", None, 107),
    "too many at once": (orjson.dumps([{"op": "ping"}] * 65), None, 106),
    "no op": (b'{"id":1}', 1, 107),
    "an unknown op": (b'{"id":1,"op":"shout"}', 1, 104),
    "an id that is an object": (b'{"id":{},"op":"ping"}', None, 107),
    "an id that is a fraction": (b'{"id":1.5,"op":"ping"}', None, 107),
    "an id beyond 64 bits": (b'{"id":9223372036854775808,"op":"ping"}', None, 107),
    "no topics": (b'{"id":"a","op":"subscribe"}', "a", 107),
    "topics that are none": (b'{"id":1,"op":"subscribe","topics":[]}', 1, 107),
    "a topic that is a number": (b'{"id":1,"op":"subscribe","topics":[5]}', 1, 107),
    "a topic that is too long": (orjson.dumps({"id": 1, "op": "subscribe", "topics": ["q:" + "x" * 127]}), 1, 107),
    "too many topics": (orjson.dumps({"id": 1, "op": "subscribe", "topics": ["q:1"] * 6}), 1, 106),
    "a position without an offset": (
        b'{"id":1,"op":"subscribe","topics":[{"topic":"a:b","since":{"epoch":"e"}}]}',
        1,
        107,
    ),
    "a negative offset": (
        b'{"id":1,"op":"subscribe","topics":[{"topic":"a:b","since":{"epoch":"e","offset":-1}}]}',
        1,
        107,
    ),
    "a token that is a number": (b'{"id":1,"op":"auth","token":5}', 1, 107),
}


@pytest.mark.parametrize(("said", "number", "code"), BAD.values(), ids=BAD)
async def test_a_bad_message_gets_an_error_with_its_id_and_the_socket_stays_open(
    site: Place, said: bytes, number: object, code: int
) -> None:
    async with site.client() as client:
        await client.send(client_frame(1, said))
        reply = await client.hear()
        assert (reply["id"], reply["ok"], reply["error"]["code"]) == (number, False, code)
        await client.say({"id": 2, "op": "ping", "unknown": "member"})
        assert (await client.hear())["id"] == 2


async def test_a_binary_message_ends_the_socket(site: Place) -> None:
    async with site.client() as client:
        await client.send(client_frame(2, b"{}"))
        farewell = await ends_with(client, 1003)
        assert farewell["reconnect"] is False


async def test_a_broken_frame_ends_the_socket_with_its_code(site: Place) -> None:
    async with site.client() as client:
        await client.send(client_frame(1, b"\xff"))
        await ends_with(client, 1007)
    async with site.client() as client:
        await client.send(client_frame(1, b"x" * 65_537))
        await ends_with(client, 1009)


# ---------------------------------------------------------------------- tokens


async def test_without_a_token_the_first_command_brings_it_and_the_welcome_follows(site: Place) -> None:
    async with websocket(site.port) as client:
        await client.say([{"id": 5, "op": "auth", "token": site.token("bob")}, {"id": 6, "op": "list"}])
        reply = await client.hear()
        assert (reply["id"], reply["ok"], reply["result"]["user"]) == (5, True, "bob")
        assert (await client.hear())["type"] == "welcome"
        assert (await client.hear())["id"] == 6


async def test_any_other_first_command_is_refused_and_ends_the_socket(site: Place) -> None:
    async with websocket(site.port) as client:
        await client.say({"id": 1, "op": "list"})
        assert (await client.hear())["error"]["code"] == 101
        await ends_with(client, 4401)


async def test_a_bad_token_ends_a_socket_that_had_none_before(site: Place) -> None:
    async with websocket(site.port) as client:
        await client.say({"id": 1, "op": "auth", "token": "nonsense"})
        assert (await client.hear())["error"]["code"] == 101
        assert (await ends_with(client, 4401))["reconnect"] is False


async def test_nobody_may_stay_without_a_token(site: Place) -> None:
    async with websocket(site.port) as client:
        site.wait(9)
        assert site.door.connections == 1
        site.wait(2)
        await ends_with(client, 4408)


async def test_a_client_is_warned_a_minute_before_its_token_expires_and_closed_when_it_has(site: Place) -> None:
    async with site.client(seconds=200) as client:
        expires_at = int((site.clock.now() + 200) * 1000)
        await stay(client, site, 139)
        await client.say({"id": 1, "op": "ping"})
        assert (await client.hear())["type"] == "reply"
        site.wait(2)
        assert await client.hear() == {"type": "token_expiring", "expires_at": expires_at}
        await stay(client, site, 95)
        farewell = await ends_with(client, 4401)
        assert farewell["reconnect"] is False


async def test_a_newer_token_keeps_the_socket_open(site: Place) -> None:
    async with site.client(seconds=120) as client:
        await client.say({"id": 1, "op": "auth", "token": site.token(seconds=1000)})
        assert (await client.hear())["result"]["expires_at"] == int((site.clock.now() + 1000) * 1000)
        await stay(client, site, 200)
        await client.say({"id": 2, "op": "ping"})
        assert (await client.hear())["id"] == 2


async def stay(client: WebSocketClient, site: Place, seconds: float) -> None:
    """Let time pass for a client that answers pings."""
    while seconds > 0:
        await client.send(client_frame(10))
        assert await soon(lambda: all(session.heard == site.clock.monotonic() for session in site.sessions()))
        site.wait(min(seconds, 20))
        seconds -= 20


@pytest.mark.parametrize(("user", "code"), [("bob", 103), ("alice", 109)])
async def test_another_users_or_an_old_token_changes_nothing(site: Place, user: str, code: int) -> None:
    async with site.client("alice") as client:
        seconds = 900 if user == "bob" else -100
        await client.say({"id": 1, "op": "auth", "token": site.token(user, seconds)})
        assert (await client.hear())["error"]["code"] == code
        await client.say({"id": 2, "op": "ping"})
        assert (await client.hear())["id"] == 2


async def test_a_revoked_token_closes_its_sockets_and_no_others(site: Place) -> None:
    async with site.client("alice") as alice, site.client("bob") as bob:
        site.revoke("alice")
        await ends_with(alice, 4401)
        await bob.say({"id": 1, "op": "ping"})
        assert (await bob.hear())["id"] == 1


# ---------------------------------------------------------------------- heartbeat


async def test_a_client_is_pinged_every_25_seconds_and_closed_when_it_says_nothing_for_a_minute(site: Place) -> None:
    async with site.client() as client:
        site.wait(26)
        assert (await client.frame()).opcode == 9
        site.wait(25)
        assert (await client.frame()).opcode == 9
        site.wait(11)
        await ends_with(client, 4408)
    assert await soon(lambda: site.door.connections == 0)


async def test_a_client_that_answers_stays(site: Place) -> None:
    async with site.client() as client:
        await stay(client, site, 10 * MINUTE)
        await client.say({"id": 1, "op": "ping"})
        assert (await client.hear())["id"] == 1


async def test_a_close_that_is_not_answered_ends_all_the_same(site: Place) -> None:
    async with websocket(site.port) as client:
        site.wait(11)
        await client.to_close()
        site.wait(3)
        assert await client.at_end()
    assert await soon(lambda: site.door.connections == 0)


# ---------------------------------------------------------------------- limits


async def test_too_many_commands_are_refused_with_when_to_come_back(site: Place) -> None:
    async with site.client() as client:
        for number in range(3):
            await client.say([{"id": number, "op": "ping"}] * 64)
        replies = [await client.hear() for _ in range(129)]
        assert all(reply["ok"] for reply in replies[:128])
        assert replies[128]["error"] == {
            "code": 111,
            "reason": "too_many_requests",
            "temporary": True,
            "retry_after_ms": 3200,
        }
        site.clock.advance(3.3)
        await client.say([{"id": 9, "op": "ping"}] * 64)
        assert (await client.hear())["ok"]


async def test_who_goes_on_commanding_is_sent_away(site: Place) -> None:
    async with site.client() as client:
        await client.send(client_frame(1, b'{"op":"ping"}') * 300)
        await ends_with(client, 4429)


async def test_a_consumer_has_so_many_sockets_and_the_next_one_is_closed(site: Place) -> None:
    async with site.client("alice"), site.client("alice"), site.client("bob"):
        async with site.client("alice") as third:
            async with websocket(site.port, fields=site.bearer("alice")) as fourth:
                await ends_with(fourth, 4429)
            await third.bye()
        assert await soon(lambda: site.door.connections == 3)
        async with site.client("alice"):
            pass


async def test_an_address_without_tokens_has_so_many_sockets(site: Place) -> None:
    async with websocket(site.port), websocket(site.port), websocket(site.port) as third:
        async with websocket(site.port) as fourth:
            await ends_with(fourth, 4429)
        await third.say({"op": "auth", "token": site.token()})
        assert (await third.hear())["ok"]
        async with websocket(site.port) as again:
            await again.say({"op": "auth", "token": site.token()})
            assert (await again.hear())["ok"]


async def test_a_client_that_does_not_read_its_replies_is_closed_and_takes_no_memory(site: Place) -> None:
    async with site.client() as client, site.client("bob") as other:
        client.stop_reading()
        ping = client_frame(1, orjson.dumps({"id": "x" * 128, "op": "ping"}))
        for _ in range(400):
            if site.door.connections < 2:
                break
            await client.send(ping * 30)
            await asyncio.sleep(0.001)
            site.clock.advance(2)
        assert await soon(lambda: any(session.code == 4508 for session in site.sessions()) or site.gone() == [4508])
        await other.say({"id": 1, "op": "ping"})
        assert (await other.hear())["id"] == 1


# ---------------------------------------------------------------------- the end


async def test_draining_sends_everybody_away_each_with_a_time_of_its_own(site: Place) -> None:
    async with site.client("alice") as alice, site.client("bob") as bob:
        site.door.dismiss()
        farewells = [await ends_with(client, 1012) for client in (alice, bob)]
        assert all(farewell["reconnect"] for farewell in farewells)
        assert len({farewell["retry_after_ms"] for farewell in farewells}) == 2
        for client in (alice, bob):
            await client.bye(1012)
        await site.door.empty()


async def test_a_changed_configuration_drops_no_socket(site: Place) -> None:
    async with site.client() as client:
        site.door.apply(site.cell.value)
        await client.say({"id": 1, "op": "ping"})
        assert (await client.hear())["id"] == 1


async def test_both_lines_of_the_access_log_tell_of_a_socket_and_none_of_its_token(site: Place) -> None:
    target = f"/ws?token={site.token()}"
    async with websocket(site.port, target) as client:
        await client.hear()
        await client.bye(1000)
    assert await soon(lambda: len(site.log.entries) == 2)
    first, second = site.log.entries
    assert (first.path, first.status, first.owner) == ("/ws", 101, "gateway")
    assert (second.path, second.status, second.consumer) == ("/ws", 1000, "alice")
    assert first.request_id == second.request_id
    assert site.token() not in repr(site.log.entries)


async def test_messages_are_counted_in_and_closes_by_their_code(site: Place) -> None:
    async with site.client() as client:
        await client.say({"id": 1, "op": "ping"})
        await client.hear()
    assert site.metrics.ws_messages[("in",)] == 1
    async with websocket(site.port) as client:
        site.wait(11)
        await ends_with(client, 4408)
        await client.bye()
    assert await soon(lambda: site.metrics.ws_dropped[("4408",)] == 1)
