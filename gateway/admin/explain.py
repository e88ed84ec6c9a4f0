"""`/api/explain`: what `crossfade explain` prints, by the rules that are running."""

from typing import Final

from aiohttp import web

from gateway.admin.call import answer, unprocessable
from gateway.config.snapshot import Snapshot
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.core.http import RequestHead
from gateway.policy.decide import parse_moment
from gateway.policy.explanation import explained

KNOWN: Final = frozenset({"request", "sub", "at", "claim", "header"})


class ExplainApi:
    """The handler. It decides with a memory that counts for nobody, so asking changes nothing."""

    def __init__(self, rules: Cell[Snapshot], clock: Clock) -> None:
        self._rules = rules
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get("/api/explain", self._explain)]

    async def _explain(self, request: web.Request) -> web.Response:
        """Explain `?request=GET+/api/favorites&sub=alice&claim=plan=beta&header=X-Api-Track:legacy&at=2027-02-01`."""
        query = request.query
        try:
            unknown = sorted(query.keys() - KNOWN)
            if unknown:
                raise ValueError(f"there is no parameter {unknown[0]!a}; known are {', '.join(sorted(KNOWN))}")
            headers = [_pair("header", text, ":") for text in query.getall("header", [])]
            claims = dict(_pair("claim", text, "=") for text in query.getall("claim", []))
            if "sub" in query:
                claims["sub"] = query["sub"]
            head = _head(query.get("request", ""), headers)
            now = parse_moment(query["at"]) if query.get("at") else self._clock.now()
        except ValueError as error:
            raise unprocessable(error) from None
        return answer(200, explained(head, self._rules.value, now, claims or None).document())


def _head(line: str, headers: list[tuple[str, str]]) -> RequestHead:
    method, _, target = line.strip().partition(" ")
    target = target.strip()
    if not method.isalpha() or not target.startswith("/") or " " in target:
        raise ValueError("request is a method and a path, such as request=GET+/api/favorites")
    return RequestHead.of(method.upper(), target, headers)


def _pair(name: str, text: str, separator: str) -> tuple[str, str]:
    key, found, value = text.partition(separator)
    if not found or not key.strip():
        raise ValueError(f"{name} is written like {name}=NAME{separator}VALUE, not {text!a}")
    return key.strip(), value.strip()
