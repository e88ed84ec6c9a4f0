"""What the two Python peers share: token, quota, split and fields of the policy. Runs in the peers' environment."""

import hashlib
import time
import uuid

import jwt
from prometheus_client import Counter, Histogram

HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "proxy-authorization",
    "proxy-authenticate",
    "host",
    "content-length",
}
REQUESTS = Counter("gw_requests", "requests", ["version", "code"])
DURATION = Histogram("gw_duration_seconds", "duration", ["version"])


class Policy:
    """One gateway's rules: the secret, and where its two sides are."""

    def __init__(self, secret: str, v1: str, v2: str) -> None:
        self._secret = secret
        self._origins = {"v1": f"http://127.0.0.1:{v1}", "v2": f"http://127.0.0.1:{v2}"}

    def subject(self, authorization: str) -> str | None:
        """Return whose token this is, or None if it is not good. Every request is verified: no cache."""
        if not authorization.startswith("Bearer "):
            return None
        try:
            claims = jwt.decode(
                authorization[7:],
                self._secret,
                algorithms=["HS256"],
                issuer="https://idp.example",
                audience="quotes-api",
            )
        except jwt.PyJWTError:
            return None
        return str(claims["sub"])

    def side(self, subject: str) -> str:
        """Return the side of a subject."""
        digest = hashlib.blake2b(b"salt7" + subject.encode(), digest_size=4).digest()
        return "v2" if int.from_bytes(digest, "big") % 100 < 25 else "v1"

    def origin(self, side: str) -> str:
        """Return where a side is."""
        return self._origins[side]


def answer_fields(request_id: str) -> dict[str, str]:
    """Return what every answer gets."""
    return {
        "X-Request-Id": request_id,
        "Deprecation": "@1767225600",
        "Sunset": "Thu, 31 Dec 2026 23:59:59 GMT",
        "Link": '<https://docs.example/v2>; rel="successor-version"',
    }


def new_request_id() -> str:
    """Return a request id."""
    return str(uuid.uuid4())


def count(side: str, status: int, begun: float) -> None:
    """Count one request."""
    REQUESTS.labels(side, status).inc()
    DURATION.labels(side).observe(time.perf_counter() - begun)
