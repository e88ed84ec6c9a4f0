"""Which fields reach the backend, and which the client."""

import re
from pathlib import Path

from tests.support.client import ask
from tests.support.gateway import migrating, plain, running
from tests.support.upstream import ScriptedUpstream, answering, json_answer

HOP_BY_HOP = {
    "Connection": "keep-alive, X-Secret, close",
    "X-Secret": "1",
    "Keep-Alive": "timeout=5",
    "Proxy-Authorization": "Basic eDp5",
    "Proxy-Connection": "keep-alive",
    "TE": "trailers",
    "Trailer": "X-Sum",
    "Upgrade": "websocket",
}


async def test_hop_by_hop_and_nominated_fields_stay_here(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/x", fields={**HOP_BY_HOP, "X-Kept": "2"})
    seen = v1.received[0].fields
    assert not {name.lower() for name in HOP_BY_HOP} & set(seen)
    assert seen["x-kept"] == ["2"]


async def test_hop_by_hop_and_nominated_fields_of_the_answer_stay_here(tmp_path: Path) -> None:
    fields = b"Connection: X-Inner\r\nX-Inner: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nX-Kept: 2\r\n"
    async with (
        ScriptedUpstream(answering(json_answer(b"{}", fields=fields))) as v1,
        running(tmp_path, plain(v1.origin)) as gateway,
    ):
        answer = await ask(gateway.public_port, "/api/x")
    names = {name.lower() for name, _ in answer.fields}
    assert not {"x-inner", "keep-alive", "upgrade"} & names
    assert answer.get("X-Kept") == "2"


async def test_the_backend_sees_its_own_host_and_the_clients_in_x_forwarded(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/x", fields={"Via": "1.0 old"})
        request = v1.received[0]
        assert request.get("Host") == f"127.0.0.1:{v1.port}"
    assert request.get("X-Forwarded-For") == "127.0.0.1"
    assert request.get("X-Forwarded-Proto") == "http"
    assert request.get("X-Forwarded-Host") == "api.test"
    assert request.get("Via") == "1.0 old, 1.1 crossfade"


async def test_a_clients_own_x_forwarded_is_not_believed(tmp_path: Path) -> None:
    lies = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "b", "Forwarded": "for=c"}
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/x", fields=lies)
    assert answer.status == 200, answer
    request = v1.received[0]
    assert request.get("X-Forwarded-For") == "127.0.0.1"
    assert request.get("X-Forwarded-Proto") == "http"
    assert request.get("X-Forwarded-Host") == "api.test"
    assert request.get("Forwarded") is None


async def test_a_trusted_proxys_x_forwarded_is_continued(tmp_path: Path) -> None:
    given = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "b"}
    text = plain("ORIGIN", server="  trusted_hops: 1")
    async with ScriptedUpstream() as v1, running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/x", fields=given)
    request = v1.received[0]
    assert request.get("X-Forwarded-For") == "6.6.6.6, 127.0.0.1"
    assert request.get("X-Forwarded-Proto") == "https"
    assert request.get("X-Forwarded-Host") == "b"


async def test_the_gateway_adds_no_accept_user_agent_or_encoding_of_its_own(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/x")
        await ask(gateway.public_port, "/api/x", "POST", body=b"abc")
    for request in v1.received:
        assert not {"accept", "accept-encoding", "user-agent", "content-type", "cookie"} & set(request.fields)


async def test_a_good_request_id_is_kept_on_both_sides(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/x", fields={"X-Request-Id": "abc-~!1"})
    assert v1.received[0].get("X-Request-Id") == "abc-~!1"
    assert answer.get("X-Request-Id") == "abc-~!1"


async def test_a_bad_request_id_is_replaced_by_a_new_one(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        first = await ask(gateway.public_port, "/api/x", fields={"X-Request-Id": "a b"})
        second = await ask(gateway.public_port, "/api/x", fields={"X-Request-Id": "x" * 129})
    made = [first.get("X-Request-Id"), second.get("X-Request-Id")]
    assert made == [request.get("X-Request-Id") for request in v1.received]
    assert len(set(made)) == 2
    assert all(re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]+", str(value)) for value in made)


async def test_a_trace_is_passed_on_or_started(tmp_path: Path) -> None:
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    bad = {"traceparent": "00-0-0-0", "tracestate": "a=b"}
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/x", fields={"traceparent": given, "tracestate": "a=b"})
        await ask(gateway.public_port, "/api/x", fields=bad)
    kept, started = v1.received
    assert kept.get("traceparent") == given
    assert kept.get("tracestate") == "a=b"
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", started.get("traceparent") or "")
    assert started.get("tracestate") is None


async def test_a_clients_own_identity_headers_are_dropped(tmp_path: Path) -> None:
    auth = (
        "auth: {jwt: {keys: [{alg: HS256, secret: 'a-secret-of-at-least-32-bytes-length'}], forward: {sub: X-User-Id}}}"
    )
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin, rest=auth)) as gateway:
        await ask(gateway.public_port, "/api/x", fields={"X-User-Id": "root", "x-user-id": "admin"})
    assert v1.received[0].get("X-User-Id") is None


async def test_underscores_are_no_way_around_dropped_fields(tmp_path: Path) -> None:
    # CGI and WSGI take X_User_Id and X-User-Id for the same variable.
    sent = {"X_User_Id": "root", "x_forwarded-FOR": "6.6.6.6", "Crossfade_Rehearse": "2027-01-01", "X_Mine": "1"}
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/x", fields=sent)
    seen = set(v1.received[0].fields)
    assert not {"x_user_id", "x_forwarded-for", "crossfade_rehearse"} & seen
    assert "x_mine" in seen


DATED = """    deprecation:
      announced: 2020-01-01
      deprecated: 2020-02-01
      gone: 2999-01-01
      docs: https://docs.test/watchlist"""


async def test_deprecation_fields_are_merged_with_the_backends_and_a_link_joins_its_own(tmp_path: Path) -> None:
    fields = b'Deprecation: @1\r\nSunset: never\r\nX-Served-By: me\r\nLink: </self>; rel="self"\r\n'
    async with (
        ScriptedUpstream(answering(json_answer(b"{}", fields=fields))) as v1,
        running(tmp_path, migrating(v1.origin, v1.origin, percent=0, rest=DATED)) as gateway,
    ):
        answer = await ask(gateway.public_port, "/api/favorites")
    assert answer.get("Deprecation") == "@1"
    assert answer.get("Sunset") == "Tue, 01 Jan 2999 00:00:00 GMT"
    assert answer.get("X-Served-By") == "v1"
    links = answer.all("Link")
    assert links[0] == '</self>; rel="self"'
    assert links[1] == '</api/v2/watchlist>; rel="successor-version", <https://docs.test/watchlist>; rel="deprecation"'


QUOTA = "quotas:\n  burst: {quota: 9, window: 1h, legacy_headers: true}"


async def test_fields_of_a_quota_replace_the_backends_old_ones_too(tmp_path: Path) -> None:
    fields = b"X-RateLimit-Limit: 7\r\nX-RateLimit-Remaining: 6\r\nX-RateLimit-Reset: 5\r\n"
    async with ScriptedUpstream(answering(json_answer(b"{}", fields=fields))) as v1:
        text = plain(v1.origin, rest=QUOTA).replace("auth: none}", "auth: none, quotas: [burst]}")
        async with running(tmp_path, text) as gateway:
            answer = await ask(gateway.public_port, "/api/x")
    assert answer.all("X-RateLimit-Limit") == ["9"]
    assert answer.all("X-RateLimit-Remaining") == ["8"]


async def test_the_version_header_can_be_switched_off(tmp_path: Path) -> None:
    text = plain("ORIGIN", server="  version_header: null")
    async with ScriptedUpstream() as v1, running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/x")
    assert answer.get("X-Served-By") is None
