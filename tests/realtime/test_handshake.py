"""Who gets a socket, and what the others are told."""

import base64

import pytest

from tests.realtime.place import Place
from tests.support.client import ask
from tests.support.soon import soon
from tests.support.ws_client import connection, websocket

ORIGIN = "https://app.example.com"


async def status(site: Place, target: str = "/ws", **fields: str | None) -> tuple[int, dict[str, str]]:
    """Shake hands with these fields (`_` for `-`) and a good token; return the answer's status and fields."""
    given = {**site.bearer(), **{name.replace("_", "-"): value for name, value in fields.items()}}
    async with connection(site.port) as client:
        return await client.open(target, given), client.fields


def bearer_protocol(token: str) -> str:
    return "bearer." + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


async def test_the_answer_proves_that_the_key_was_read(site: Place) -> None:
    found, fields = await status(site)
    assert found == 101
    assert fields["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert (fields["upgrade"], fields["connection"]) == ("websocket", "Upgrade")
    assert fields["x-request-id"]
    assert "sec-websocket-protocol" not in fields
    assert "sec-websocket-extensions" not in fields


@pytest.mark.parametrize(
    ("fields", "expected", "told"),
    [
        ({"Upgrade": None}, 426, ("upgrade", "websocket")),
        ({"Upgrade": "h2c"}, 426, ("upgrade", "websocket")),
        ({"Connection": "keep-alive"}, 426, ("upgrade", "websocket")),
        ({"Sec_WebSocket_Version": "8"}, 426, ("sec-websocket-version", "13")),
        ({"Sec_WebSocket_Version": None}, 426, ("sec-websocket-version", "13")),
        ({"Sec_WebSocket_Key": None}, 400, None),
        ({"Sec_WebSocket_Key": "dGhlIHNhbXBsZQ=="}, 400, None),
        ({"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=!"}, 400, None),
        ({"Content_Length": "3"}, 400, None),
        ({"Sec_WebSocket_Protocol": "chat"}, 400, None),
        ({"Sec_WebSocket_Protocol": "crossfade.v1, crossfade.v1"}, 400, None),
        ({"Sec_WebSocket_Protocol": "crossfade.v1, a b"}, 400, None),
        ({"Origin": "https://evil.example"}, 403, None),
        ({"Origin": "null"}, 403, None),
        ({"Authorization": "Bearer nonsense"}, 401, None),
        ({"Authorization": "Basic YWxpY2U6cGFzcw=="}, 401, None),
    ],
)
async def test_a_bad_handshake_is_refused_with_its_status(
    site: Place, fields: dict[str, str | None], expected: int, told: tuple[str, str] | None
) -> None:
    found, answer = await status(site, **fields)
    assert found == expected
    assert answer["content-type"] == "application/problem+json"
    if told is not None:
        assert answer[told[0]] == told[1]
    if expected == 401:
        assert answer["www-authenticate"].startswith("Bearer error=")
    assert site.door.connections == 0


async def test_other_methods_are_not_allowed(site: Place) -> None:
    for method in ("POST", "HEAD"):
        answer = await ask(site.port, "/ws", method)
        assert answer.status == 405
        assert "GET" in str(answer.get("Allow"))


@pytest.mark.parametrize(
    "fields",
    [
        {"Upgrade": "WebSocket"},
        {"Upgrade": "h2c, websocket"},
        {"Connection": "keep-alive, Upgrade"},
        {"Origin": ORIGIN},
        {"Origin": "http://api.test"},
        {"Origin": "https://api.test"},
        {"Sec_WebSocket_Extensions": "permessage-deflate"},
    ],
)
async def test_a_good_handshake_is_taken_however_it_is_written(site: Place, fields: dict[str, str | None]) -> None:
    assert (await status(site, **fields))[0] == 101


@pytest.mark.parametrize(
    ("named", "chosen"),
    [
        ("crossfade.v1", "crossfade.v1"),
        ("tacn.v2", "tacn.v2"),
        ("chat, tacn.v2, crossfade.v1", "tacn.v2"),
        ("bearer.eA, crossfade.v1", "crossfade.v1"),
    ],
)
async def test_the_first_known_subprotocol_is_chosen(site: Place, named: str, chosen: str) -> None:
    found, fields = await status(site, Sec_WebSocket_Protocol=named)
    assert (found, fields["sec-websocket-protocol"]) == (101, chosen)


async def test_a_token_may_come_as_a_subprotocol_or_in_the_query(site: Place) -> None:
    named = f"crossfade.v1, {bearer_protocol(site.token('alice'))}"
    async with websocket(site.port, fields={"Sec-WebSocket-Protocol": named}) as client:
        assert client.fields["sec-websocket-protocol"] == "crossfade.v1"
        assert (await client.hear())["user"] == "alice"
    async with websocket(site.port, f"/ws?x=1&token={site.token('bob')}") as client:
        assert (await client.hear())["user"] == "bob"


async def test_the_header_comes_before_the_subprotocol_and_that_before_the_query(site: Place) -> None:
    named = f"crossfade.v1, {bearer_protocol(site.token('bob'))}"
    fields = {**site.bearer("alice"), "Sec-WebSocket-Protocol": named}
    async with websocket(site.port, f"/ws?token={site.token('carol')}", fields) as client:
        assert (await client.hear())["user"] == "alice"
    async with websocket(site.port, f"/ws?token={site.token('carol')}", {"Sec-WebSocket-Protocol": named}) as client:
        assert (await client.hear())["user"] == "bob"


@pytest.mark.parametrize("way", ["subprotocol", "not base64", "query"])
async def test_a_bad_token_that_is_not_in_the_header_opens_the_socket_to_say_so(site: Place, way: str) -> None:
    named = {"subprotocol": bearer_protocol("nonsense"), "not base64": "bearer.a!b", "query": ""}[way]
    fields = {"Sec-WebSocket-Protocol": f"crossfade.v1, {named}"} if named else {}
    async with websocket(site.port, "/ws?token=nonsense" if way == "query" else "/ws", fields) as client:
        assert (await client.hear())["code"] == 4401
        assert (await client.to_close())[1] == 4401
    assert sum(site.metrics.auth_failures.values()) == 1


async def test_a_token_in_the_query_is_not_looked_at_where_that_is_not_allowed(site: Place) -> None:
    snapshot = site.cell.value
    site.door.apply(site.rules(snapshot, "query_token: true", "query_token: false"))
    async with websocket(site.port, f"/ws?token={site.token()}") as client:
        await client.say({"id": 1, "op": "list"})
        assert (await client.hear())["error"]["code"] == 101


async def test_there_are_so_many_sockets_and_then_503(site: Place) -> None:
    clients = [site.client(user) for user in ("a", "b", "c", "d", "e", "f")]
    for client in clients:
        await client.__aenter__()
    found, fields = await status(site)
    assert (found, fields["retry-after"]) == (503, "5")
    await clients.pop().__aexit__(None, None, None)
    assert await soon(lambda: site.door.connections == 5)
    assert (await status(site))[0] == 101
    for client in clients:
        await client.__aexit__(None, None, None)


async def test_a_draining_gateway_opens_no_socket(site: Place) -> None:
    site.door.dismiss()
    found, fields = await status(site)
    assert (found, fields["retry-after"]) == (503, "5")


async def test_the_socket_tells_about_itself(site: Place) -> None:
    async with site.client() as client:
        await client.say({"id": 1, "op": "subscribe", "topics": ["quotes:600519", "quotes:000001"]})
        assert await soon(lambda: bool(site.stage.upstream.asked))
        site.stage.agree()
        await client.hear()
        info = (await ask(site.port, "/ws/info")).json()
        counted = (await ask(site.port, "/ws/quotes/subscriptions")).json()
    assert counted == {"total": 2, "symbols": {"600519": 1, "000001": 1}}
    assert info["protocols"] == ["crossfade.v1", "tacn.v2"]
    assert info["auth"] == ["header", "subprotocol", "command", "query"]
    assert (info["heartbeat_ms"], info["connections"], info["subscriptions"]) == (25_000, 1, {"quotes": 2})
    assert set(info["topics"]) == {"quotes:{symbol}", "analysis:{task}", "notifications:{sub}"}
    assert info["feeds"][0]["upstream"] == "v2"
    assert info["limits"]["frame_bytes"] == 65_536
    assert info["uptime_seconds"] > 0
