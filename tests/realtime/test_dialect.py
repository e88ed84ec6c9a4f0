"""The platform's existing clients are served in their own dialect by the same hub."""

import pytest

from tests.realtime.place import Place
from tests.support.soon import soon
from tests.support.ws_client import websocket

QUOTES = {"type": "subscription", "id": "q1", "channel": "quotes", "timestamp": 1}


async def test_a_client_that_names_the_dialect_hears_nothing_else(site: Place) -> None:
    fields = {**site.bearer(), "Sec-WebSocket-Protocol": "tacn.v2"}
    async with websocket(site.port, fields=fields) as client:
        await client.say({**QUOTES, "data": {"action": "subscribe", "symbols": ["600519", "000001"]}})
        assert await soon(lambda: len(site.stage.upstream.asked) == 2)
        site.stage.agree()
        ack = await client.hear()
        assert ack["type"] == "ack"
        assert (ack["id"], ack["channel"]) == ("q1", "quotes")
        assert ack["data"] == {
            "success": True,
            "subscribed": ["600519", "000001"],
            "unsubscribed": [],
            "errors": [],
        }
        site.stage.say(("quotes:600519", {"code": "600519", "price": 1}))
        update = await client.hear()
        assert (update["type"], update["channel"], update["data"]["price"]) == ("quote_update", "quotes", 1)
        await client.say({**QUOTES, "data": {"action": "unsubscribe", "symbols": ["600519", "9"]}})
        assert (await client.hear())["data"]["unsubscribed"] == ["600519"]


async def test_a_client_with_a_token_in_the_query_is_known_by_its_first_message(site: Place) -> None:
    async with websocket(site.port, f"/ws?token={site.token()}") as client:
        assert (await client.hear())["type"] == "welcome"
        await client.say({"type": "subscription", "id": 7, "channel": "notifications", "data": {"action": "subscribe"}})
        assert await soon(lambda: bool(site.stage.upstream.asked))
        site.stage.agree()
        assert (await client.hear())["data"]["subscribed"] == ["alice"]
        await client.say({"type": "ping", "id": 8})
        assert (await client.hear())["type"] == "pong"


async def test_what_is_refused_is_told_by_its_member(site: Place) -> None:
    fields = {**site.bearer(), "Sec-WebSocket-Protocol": "tacn.v2"}
    async with websocket(site.port, fields=fields) as client:
        data = {"action": "subscribe", "tasks": ["t-1"]}
        await client.say({"type": "subscription", "id": "a", "channel": "analysis", "data": data})
        assert await soon(lambda: bool(site.stage.upstream.asked))
        site.stage.refuse()
        ack = (await client.hear())["data"]
        assert ack["success"] is False
        assert ack["errors"] == [{"task": "t-1", "error": "upstream_rejected"}]


@pytest.mark.parametrize(
    "said",
    [
        [1],
        {"type": "shout", "id": 1},
        {"type": "subscription", "id": 1, "channel": "weather", "data": {"action": "subscribe"}},
        {"type": "subscription", "id": 1, "channel": {}, "data": {"action": "subscribe"}},
        {"type": "subscription", "id": 1, "channel": "quotes", "data": {"action": "jump", "symbols": ["1"]}},
        {"type": "subscription", "id": 1, "channel": "quotes", "data": {"action": [], "symbols": ["1"]}},
        {"type": "subscription", "id": 1, "channel": "quotes", "data": {"action": "subscribe", "symbols": []}},
        {"type": "subscription", "id": 1, "channel": "quotes", "data": {"action": "subscribe", "symbols": [1]}},
        {"type": "subscription", "id": 1, "channel": "quotes", "data": []},
    ],
)
async def test_a_frame_that_makes_no_sense_is_answered_with_an_error(site: Place, said: object) -> None:
    fields = {**site.bearer(), "Sec-WebSocket-Protocol": "tacn.v2"}
    async with websocket(site.port, fields=fields) as client:
        await client.say(said)
        error = await client.hear()
        assert (error["type"], error["data"]["code"]) == ("error", "VALIDATION_ERROR")
        await client.say({"type": "ping", "id": 2})
        assert (await client.hear())["id"] == 2


async def test_without_a_token_only_auth_is_obeyed_in_this_dialect_too(site: Place) -> None:
    async with websocket(site.port, fields={"Sec-WebSocket-Protocol": "tacn.v2"}) as client:
        await client.say({"op": "auth", "id": 1, "token": site.token()})
        assert (await client.hear())["ok"]
        await client.say({"type": "ping", "id": 2})
        assert (await client.hear())["type"] == "pong"
    async with websocket(site.port, fields={"Sec-WebSocket-Protocol": "tacn.v2"}) as client:
        await client.say({**QUOTES, "data": {"action": "subscribe", "symbols": ["1"]}})
        assert (await client.hear())["data"]["code"] == "UNAUTHORIZED"
        assert (await client.to_close())[1] == 4401
