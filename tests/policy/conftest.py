"""A small configuration with one of everything the policy looks at."""

from collections.abc import Callable
from pathlib import Path

import jwt
import pytest

from gateway.config.compile import compile_snapshot
from gateway.config.load import load
from gateway.config.snapshot import Snapshot

SECRET = "a secret for tests that is long enough for HS256"

BASE = """\
version: 1
server:
  listen: 127.0.0.1:0
upstreams:
  v1: {endpoints: [http://127.0.0.1:8000]}
  v2: {endpoints: [http://127.0.0.1:3001]}
auth:
  jwt:
    keys: [{alg: HS256, secret: "a secret for tests that is long enough for HS256"}]
    issuer: tacn
    forward: {sub: X-User-Id, role: X-User-Role}
  consumer: [claim:client_id, claim:sub, ip]
quotas:
  burst: {quota: 3, window: 1s, by: consumer}
  free: {quota: 2, window: 1d, by: consumer, when: {claim: {plan: free}}}
routes:
  - {name: login, match: "POST /api/v2/auth/login", upstream: v2, auth: none}
  - {name: v2, match: "/api/v2/{rest*}", upstream: v2, auth: required, quotas: [burst]}
  - {name: screening, match: "/api/screening/{rest*}", upstream: v1, auth: optional}
adapters:
  items:
    request: {query: "{page: page, pageSize: page_size}"}
    response: {body: "{success: success, message: 'ok', data: data[].{stock_code: symbol}}"}
    error: {body: "{detail: error.message}", status: {409: 400}}
  add:
    request: {body: "{symbol: stock_code}"}
    response: {status: {201: 200}}
migrations:
  watchlist:
    legacy: v1
    successor: v2
    auth: required
    endpoints:
      - {legacy: "GET /api/favorites", successor: "GET /api/v2/watchlist", adapt: items}
      - {legacy: "POST /api/favorites", successor: "POST /api/v2/watchlist", adapt: add}
      - {legacy: "PATCH /api/favorites/{stock_code}", successor: "PUT /api/v2/watchlist/{stock_code}"}
      - legacy: "DELETE /api/favorites/{stock_code}"
        successor: "DELETE /api/v2/watchlist/{stock_code}"
        quotas: [burst, free]
    rollout:
      percent: 50
      by: [claim:sub, cookie:cid, ip]
      salt: tacn
      pins:
        - {to: successor, claim: {plan: beta}}
        - {to: legacy, header: {X-Api-Track: legacy}}
    deprecation:
      announced: 2027-01-01
      deprecated: +30d
      gone: +60d
      removed: +90d
      docs: https://docs.example.com/migrate/watchlist
      policy: https://docs.example.com/sunset-policy
      brownouts: [{at: 2027-02-10T09:00Z, for: 1h}]
      extensions: [{consumer: acme, until: 2027-03-15, reason: contract C-118}]
      rehearsal: true
"""

type Compile = Callable[..., Snapshot]


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    """Compile the base configuration with some of its texts replaced."""

    def compile_with(*replacements: tuple[str, str]) -> Snapshot:
        text = BASE
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "gateway.yaml"
        path.write_text(text)
        loaded = load(path)
        return compile_snapshot(loaded.config, revision=1, digest=loaded.digest)

    return compile_with


@pytest.fixture
def snapshot(compiled: Compile) -> Snapshot:
    return compiled()


def token(now: float, **claims: object) -> str:
    """Sign a token that is good at `now`."""
    payload = {"sub": "alice", "iss": "tacn", "exp": int(now) + 900, **claims}
    return jwt.encode({name: value for name, value in payload.items() if value is not None}, SECRET, "HS256")
