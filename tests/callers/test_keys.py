"""Published keys in a running gateway: fetched, waited for, kept while their server is away, and withdrawn."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.server.gateway import Gateway
from tests.support.client import Received, ask, connected
from tests.support.gateway import LISTEN, running
from tests.support.key_server import KeyServer, key_server
from tests.support.poll import until
from tests.support.soon import soon
from tests.support.upstream import ScriptedUpstream

HMAC = "a secret for tests that is long enough for HS256"


def configuration(origin: str, jwt: str) -> str:
    return f"""{LISTEN}
upstreams:
  v1: {{endpoints: ["{origin}"]}}
auth:
  jwt: {jwt}
routes:
  - {{name: closed, match: "/api/{{rest*}}", upstream: v1}}
"""


def published(issuer: KeyServer, *, refresh: str = "1h", cooldown: str = "100ms") -> str:
    return f"{{jwks: {{url: {issuer.url}, refresh: {refresh}, cooldown: {cooldown}}}}}"


@asynccontextmanager
async def serving(folder: Path, jwt: str) -> AsyncIterator[Gateway]:
    async with ScriptedUpstream() as v1, running(folder, configuration(v1.origin, jwt)) as gateway:
        yield gateway


async def call(gateway: Gateway, token: str) -> Received:
    return await ask(gateway.public_port, "/api/x", fields={"Authorization": f"Bearer {token}"})


async def status(gateway: Gateway, token: str) -> int:
    return (await call(gateway, token)).status


async def metric(gateway: Gateway, name: str) -> float:
    text = (await ask(gateway.admin_port, "/metrics")).body.decode()
    return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


async def test_published_keys_are_there_before_the_first_request(tmp_path: Path) -> None:
    async with key_server("a", "b") as issuer, serving(tmp_path, published(issuer)) as gateway:
        assert issuer.fetches == 1
        tokens = [issuer.sign("a"), issuer.sign("b"), issuer.sign(None, signer="b")]
        assert [await status(gateway, token) for token in tokens] == [200, 200, 200]
        assert issuer.fetches == 1
        label = f'{{issuer="127.0.0.1:{issuer.port}"}}'
        await until(lambda: _is(gateway, f"crossfade_jwks_keys{label}", 2))
        assert await metric(gateway, f"crossfade_jwks_up{label}") == 1
        assert 0 <= await metric(gateway, f"crossfade_jwks_age_seconds{label}") < 60


async def _is(gateway: Gateway, name: str, value: float) -> bool:
    try:
        return await metric(gateway, name) == value
    except StopIteration:
        return False


async def test_one_fetch_serves_all_that_wait_for_a_new_key_and_nobody_else_waits(tmp_path: Path) -> None:
    async with key_server("old", "new") as issuer, serving(tmp_path, published(issuer)) as gateway:
        issuer.rotate("old", "new", "newest")
        issuer.gate.clear()
        token = issuer.sign("newest")
        waiting = asyncio.gather(*(status(gateway, token) for _ in range(50)))
        assert await soon(lambda: issuer.fetches == 2)
        assert await status(gateway, issuer.sign("old")) == 200
        assert not waiting.done()
        issuer.gate.set()
        assert await waiting == [200] * 50
        assert issuer.fetches == 2


async def test_who_asks_during_a_fetch_that_does_not_help_gets_one_of_its_own(tmp_path: Path) -> None:
    async with key_server("old") as issuer, serving(tmp_path, published(issuer)) as gateway:
        issuer.gate.clear()
        early = asyncio.gather(status(gateway, issuer.sign("never", signer="old")))
        assert await soon(lambda: issuer.fetches == 2)
        issuer.rotate("old", "new")
        late = asyncio.gather(status(gateway, issuer.sign("new")))
        await asyncio.sleep(0.05)
        issuer.gate.set()
        assert (await early, await late) == ([401], [200])
        assert issuer.fetches == 3


async def test_invented_kids_cost_one_fetch_a_cooldown_and_are_refused_as_unknown(tmp_path: Path) -> None:
    async with key_server("a") as issuer, serving(tmp_path, published(issuer, cooldown="300ms")) as gateway:
        began = time.monotonic()
        answers = []
        for round in range(3):
            tokens = [issuer.sign(f"invented-{round}-{number}", signer="a") for number in range(20)]
            answers += await asyncio.gather(*(call(gateway, token) for token in tokens))
        assert issuer.fetches <= 2 + (time.monotonic() - began) / 0.3
    assert {answer.status for answer in answers} == {401}
    assert answers[0].get("WWW-Authenticate") == (
        'Bearer error="invalid_token", error_description="no key of the issuer fits the token\'s kid"'
    )


async def test_a_kid_that_was_looked_for_in_vain_is_not_looked_for_again(tmp_path: Path) -> None:
    async with key_server("a") as issuer, serving(tmp_path, published(issuer, cooldown="1ms")) as gateway:
        for _ in range(5):
            assert await status(gateway, issuer.sign("invented", signer="a")) == 401
        assert issuer.fetches == 2


async def test_keys_stay_good_while_their_server_is_away_and_the_metric_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with key_server("a") as issuer, serving(tmp_path, published(issuer, refresh="100ms")) as gateway:
        await issuer.kill()
        label = f'{{issuer="127.0.0.1:{issuer.port}"}}'
        await until(lambda: _is(gateway, f"crossfade_jwks_up{label}", 0))
        assert await status(gateway, issuer.sign("a")) == 200
        assert await metric(gateway, f"crossfade_jwks_age_seconds{label}") > 0.1
        # Nobody can tell whether this key exists: that is not the client's fault.
        answer = await call(gateway, issuer.sign("b", signer="a"))
        assert (answer.status, answer.get("Retry-After")) == (503, "5")
        assert answer.json()["type"] == "urn:crossfade:problem:overloaded"
        await issuer.start()
        await until(lambda: _is(gateway, f"crossfade_jwks_up{label}", 1))
    assert "cannot be fetched" in caplog.text


async def test_without_any_keys_yet_the_client_is_not_blamed(tmp_path: Path) -> None:
    async with key_server("a") as issuer:
        await issuer.kill()
        async with serving(tmp_path, published(issuer)) as gateway:
            for token in (issuer.sign("a"), issuer.sign(None, signer="a")):
                assert await status(gateway, token) == 503
            assert await status(gateway, "nonsense") == 401
            await issuer.start()

            async def is_accepted() -> bool:
                return await status(gateway, issuer.sign("a")) == 200

            await until(is_accepted)


@pytest.mark.parametrize("refusal", ["removed", "replaced"])
async def test_a_withdrawn_key_is_refused_after_the_refresh_though_its_token_was_known(
    tmp_path: Path, refusal: str
) -> None:
    async with key_server("a", "b") as issuer, serving(tmp_path, published(issuer, refresh="50ms")) as gateway:
        token = issuer.sign("a")
        assert await status(gateway, token) == 200
        if refusal == "removed":
            issuer.rotate("b")
        else:
            issuer._private.pop("a")
            issuer.rotate("a", "b")
        seen = issuer.fetches
        assert await soon(lambda: issuer.fetches >= seen + 2)
        fetches = issuer.fetches
        answer = await call(gateway, token)
        assert answer.status == 401
        assert issuer.fetches <= fetches + 1
        assert await status(gateway, issuer.sign("b")) == 200


async def test_keys_of_one_issuer_verify_no_other_issuers_tokens(tmp_path: Path) -> None:
    async with key_server("a") as first, key_server("a", "b") as second:
        jwt = f"""
    keys: [{{alg: HS256, secret: "{HMAC}"}}]
    issuer: house
    audience: gw
    issuers:
      - {{issuer: first, jwks: {{url: {first.url}, cooldown: 1ms}}}}
      - {{issuer: second, audience: other, jwks: {{url: {second.url}, cooldown: 1ms}}}}
"""
        async with serving(tmp_path, jwt) as gateway:
            assert await status(gateway, first.sign("a", iss="first", aud="gw")) == 200
            assert await status(gateway, second.sign("b", iss="second", aud="other")) == 200
            assert await status(gateway, second.sign("b", iss="second", aud="gw")) == 401
            for forger, issuer in ((first, "second"), (second, "first"), (first, "house")):
                for kid in ("a", None):
                    for audience in ("gw", "other"):
                        assert await status(gateway, forger.sign(kid, signer="a", iss=issuer, aud=audience)) == 401
            assert await status(gateway, first.sign("a", aud="gw")) == 401
            assert await status(gateway, first.sign("a", iss="third", aud="gw")) == 401


@pytest.mark.parametrize(
    ("code", "body", "why"),
    [
        (302, b"", "the answer is 302"),
        (500, b"", "the answer is 500"),
        (200, b"<html>", "not JSON"),
        (200, b'{"keys": [' + b" " * (256 << 10) + b"]}", "larger than 256 KiB"),
    ],
)
async def test_an_answer_that_is_no_key_set_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: int, body: bytes, why: str
) -> None:
    async with key_server("a") as issuer, serving(tmp_path, published(issuer, refresh="50ms")) as gateway:
        issuer.status, issuer.body, issuer.fields = code, body, {"Location": "/keys"}
        assert await soon(lambda: why in caplog.text)
        assert await status(gateway, issuer.sign("a")) == 200


async def test_a_server_that_does_not_answer_holds_only_those_who_need_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.callers.keys.FETCH_SECONDS", 0.3)
    async with key_server("a") as issuer, serving(tmp_path, published(issuer)) as gateway:
        issuer.gate.clear()
        waiting = asyncio.gather(status(gateway, issuer.sign("b", signer="a")))
        assert await soon(lambda: issuer.fetches == 2)
        assert await status(gateway, issuer.sign("a")) == 200
        assert await waiting == [503]
    assert "no answer within 0.3 s" in caplog.text


async def test_a_client_that_leaves_while_waiting_leaves_nothing_behind(tmp_path: Path) -> None:
    async with key_server("a") as issuer, serving(tmp_path, published(issuer)) as gateway:
        issuer.gate.clear()
        token = issuer.sign("b", signer="a")
        async with connected(gateway.public_port) as client:
            await client.send(f"GET /api/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
            assert await soon(lambda: issuer.fetches == 2)

        async def is_counted() -> bool:
            text = (await ask(gateway.admin_port, "/metrics")).body.decode()
            return 'migration="closed",side=""' in text and 'code="499"' in text

        await until(is_counted)
        issuer.gate.set()
        assert await status(gateway, issuer.sign("a")) == 200


async def test_a_reload_follows_other_key_servers_and_forgets_the_old_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with key_server("a") as first, key_server("b") as second, serving(tmp_path, published(first)) as gateway:
        assert await status(gateway, first.sign("a")) == 200
        path = tmp_path / "gateway.yaml"
        path.write_text(path.read_text().replace(first.url, second.url))
        assert await gateway.reload()
        assert await status(gateway, second.sign("b")) == 200
        assert await status(gateway, first.sign("a")) == 401
        path.write_text(path.read_text() + "# nothing has changed\n")
        seen = second.fetches
        assert await gateway.reload()
        assert await status(gateway, second.sign("b")) == 200
        assert second.fetches == seen
        assert first.fetches == 1
