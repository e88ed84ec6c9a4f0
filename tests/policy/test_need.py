"""What a decision needs of others, and how it goes on once that is known."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.config.issuer import Key
from gateway.config.snapshot import Snapshot
from gateway.core.http import RequestHead
from gateway.policy.auth import Settled, TokenCache
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Forward, NeedKeys, Refuse
from gateway.policy.explanation import explained
from tests.policy.conftest import SECRET, Compile

NOW = 1_800_000_000.0
URL = "https://id.example.com/keys"
PRIVATE = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def published(compiled: Compile) -> Snapshot:
    """The base configuration with published keys in place of its secret."""
    return compiled((f'keys: [{{alg: HS256, secret: "{SECRET}"}}]', f"jwks: {{url: {URL}}}"))


def head(kid: str | None = "new", **claims: object) -> RequestHead:
    payload = {"sub": "alice", "iss": "tacn", "exp": int(NOW) + 900, **claims}
    token = jwt.encode(payload, PRIVATE, "ES256", headers={"kid": kid} if kid is not None else {})
    return RequestHead.of("GET", "/api/v2/x", [("Authorization", f"Bearer {token}")])


def knowing(*keys: Key) -> TokenCache:
    """Return a cache that knows what the key server has answered."""
    tokens = TokenCache()
    tokens.put_keys(URL, keys)
    return tokens


@pytest.mark.parametrize("kid", ["new", None])
def test_a_key_is_needed_while_none_have_been_fetched(published: Snapshot, kid: str | None) -> None:
    need = decide(head(kid), published, NOW, Memory.fresh())
    assert isinstance(need, NeedKeys)
    assert (need.url, need.kid, need.target.owner) == (URL, kid, "v2")


def test_an_unknown_kid_is_needed_and_a_known_one_is_not(published: Snapshot) -> None:
    memory = Memory.fresh(knowing(Key("ES256", "old", PRIVATE.public_key())))
    assert isinstance(decide(head("new"), published, NOW, memory), NeedKeys)
    for kid in ("old", None):
        assert isinstance(decide(head(kid), published, NOW, memory), Forward)


def test_a_key_without_a_kid_may_be_the_one_but_another_may_have_come(published: Snapshot) -> None:
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert isinstance(decide(head(), published, NOW, Memory.fresh(knowing(Key("ES256", None, other)))), NeedKeys)
    mine = Memory.fresh(knowing(Key("ES256", None, PRIVATE.public_key())))
    assert isinstance(decide(head(), published, NOW, mine), Forward)


@pytest.mark.parametrize("claims", [{"exp": int(NOW) - 31}, {"iss": "other"}, {"sub": 7}, {"nbf": int(NOW) + 31}])
def test_nobody_is_asked_about_a_token_that_would_be_refused_anyway(
    published: Snapshot, claims: dict[str, object]
) -> None:
    given = {"sub": "alice", "iss": "tacn", "exp": int(NOW) + 900, **claims}
    token = jwt.api_jws.encode(jwt.api_jws.json.dumps(given).encode(), PRIVATE, "ES256", headers={"kid": "new"})
    asked = RequestHead.of("GET", "/api/v2/x", [("Authorization", f"Bearer {token}")])
    assert isinstance(decide(asked, published, NOW, Memory.fresh()), Refuse)


def test_a_very_long_kid_is_nobodys(published: Snapshot) -> None:
    refusal = decide(head("k" * 257), published, NOW, Memory.fresh())
    assert isinstance(refusal, Refuse)
    assert refusal.problem.code == 401


@pytest.mark.parametrize(
    ("is_answered", "code", "reason"), [(True, 401, "unknown_key"), (False, 503, "keys_unavailable")]
)
def test_a_settled_memory_needs_nothing_any_more(
    published: Snapshot, is_answered: bool, code: int, reason: str
) -> None:
    memory = Memory.fresh(Settled(TokenCache(), is_answered=is_answered))
    refusal = decide(head(), published, NOW, memory)
    assert isinstance(refusal, Refuse)
    assert (refusal.problem.code, refusal.reason) == (code, reason)


def test_an_explanation_says_what_it_would_need(published: Snapshot) -> None:
    explanation = explained(head(), published, NOW, None)
    assert explanation.outcome.startswith(f"cannot be told from here: the token's key is one of those at {URL}")
    assert explanation.document()["decision"]["kind"] == "unknown"
    assert isinstance(explained(head(), published, NOW, {"sub": "alice"}).decision, Forward)
