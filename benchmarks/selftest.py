"""Looks at a subject before it is timed: who it lets in, what it adds, where it sends. Never times anything."""

import http.client
import json
from collections import Counter
from dataclasses import dataclass

from benchmarks.peers.peer import policy
from benchmarks.traffic.identity import Keys, subject, token

_SAMPLE = 200
_EXPECTED_SHARE = range(15, 36)  # percent of 200 subjects; 25 is configured, the standard deviation is 3


class SelfTestError(Exception):
    """A subject does not do what the others do; timing it would compare nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; field names in lower case."""

    status: int
    fields: dict[str, str]
    body: bytes


def check(name: str, port: int, keys: Keys) -> str:
    """Return what was seen, in a few words; raises SelfTestError."""
    algorithm = policy(name)
    if algorithm is None:
        return _check_plain(name, port)
    _check_refusals(name, port, keys, algorithm)
    good = token(keys, algorithm, subject(1))
    answer = _ask(port, "/api/stocks/600519/quote", good)
    _expect(name, answer.status == 200, f"{answer.status} with a good token")
    for field in ("deprecation", "sunset", "link", "x-request-id"):
        _expect(name, field in answer.fields, f"no {field} on the answer")
    _check_forwarded(name, _ask(port, "/api/echo", good))
    return f"401 without a token, headers there, {_split(name, port, keys, algorithm)} % on v2"


def _check_plain(name: str, port: int) -> str:
    answer = _ask(port, "/api/stocks/600519/quote", None)
    _expect(name, answer.status == 200, f"{answer.status} for a plain request")
    return "forwards"


def _check_refusals(name: str, port: int, keys: Keys, algorithm: str) -> None:
    good = token(keys, algorithm, subject(1))
    head, _, signature = good.rpartition(".")
    broken = f"{head}.{'A' * len(signature)}"
    expired = token(keys, algorithm, subject(1), lifetime=-7200)
    for what, value in (("no", None), ("a broken", broken), ("an expired", expired)):
        status = _ask(port, "/api/stocks/600519/quote", value).status
        _expect(name, status == 401, f"{status} with {what} token")


def _check_forwarded(name: str, answer: Answer) -> None:
    seen = json.loads(answer.body)
    _expect(name, seen["user"] == subject(1), f"the upstream saw X-User-Id {seen['user']!r}")
    _expect(name, bool(seen["forwarded_for"]), "the upstream saw no X-Forwarded-For")  # Envoy names no loopback address
    _expect(name, bool(seen["request_id"]), "the upstream saw no X-Request-Id")


def _split(name: str, port: int, keys: Keys, algorithm: str) -> int:
    """Return the successor's share of subjects in percent, after seeing that each stays on its side."""
    first = _sides(port, keys, algorithm)
    _expect(name, first == _sides(port, keys, algorithm), "subjects change sides")
    share = Counter(first)["v2"] * 100 // _SAMPLE
    _expect(name, share in _EXPECTED_SHARE, f"{share} % of subjects on v2")
    return share


def _sides(port: int, keys: Keys, algorithm: str) -> list[str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    sides = []
    for number in range(_SAMPLE):
        authorization = {"Authorization": f"Bearer {token(keys, algorithm, subject(number))}"}
        connection.request("GET", "/api/echo", headers=authorization)
        sides.append(str(json.loads(connection.getresponse().read())["side"]))
    connection.close()
    return sides


def _ask(port: int, path: str, bearer: str | None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Authorization": f"Bearer {bearer}"} if bearer else {})
    answer = connection.getresponse()
    found = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    connection.close()
    return found


def _expect(name: str, holds: bool, complaint: str) -> None:
    if not holds:
        raise SelfTestError(f"{name}: {complaint}")
