"""Tokens that are refused before they expire: one by its `jti`, or all that a subject was given before a moment."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

CAPACITY: Final = 100_000


class MalformedRevocationError(ValueError):
    """A stored revocation that cannot be read."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is refused, until when it must be remembered, and who wanted it why. Times are Unix seconds.

    Either `jti` or `sub` is given. A subject's token counts as issued `before` also when it does not say when it was.
    A withdrawn one refuses nothing; it is remembered for as long, so that no gateway that missed it brings it back.
    """

    id: str
    until: float
    at: float
    by: str
    reason: str
    jti: str | None = None
    sub: str | None = None
    before: float = 0.0
    is_withdrawn: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """The claim that it looks at, and the value that is refused."""
        return ("jti", self.jti) if self.jti is not None else ("sub", self.sub or "")

    def covers(self, issued: object) -> bool:
        """Return whether a token with its key is refused; `issued` is the token's `iat`."""
        return self.jti is not None or not isinstance(issued, int | float) or issued < self.before

    def dump(self) -> bytes:
        """Return it as it is stored and sent."""
        return orjson.dumps(self)


def load(raw: bytes) -> Revocation:
    """Read what `dump` wrote; raises MalformedRevocationError."""
    try:
        found = Revocation(**orjson.loads(raw))
    except (ValueError, TypeError) as error:
        raise MalformedRevocationError("a stored revocation cannot be read") from error
    texts = (found.id, found.by, found.reason, found.jti or "", found.sub or "")
    times = (found.until, found.at, found.before)
    is_one = (found.jti is None) != (found.sub is None)
    is_typed = all(isinstance(text, str) for text in texts) and all(isinstance(time, int | float) for time in times)
    if not is_one or not is_typed or not isinstance(found.is_withdrawn, bool):
        raise MalformedRevocationError("a stored revocation is not one")
    return found


class RevocationList:
    """Owns the revocations that this process knows, at most `capacity` of them. It reads no clock and does no I/O.

    When more come, those go first that would have been forgotten first.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._known: dict[str, Revocation] = {}
        self._by_key: dict[tuple[str, str], dict[str, Revocation]] = {}
        self._first_end = math.inf

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"<RevocationList {len(self._known)} of {self._capacity}>"

    def __iter__(self) -> Iterator[Revocation]:
        return iter(tuple(self._known.values()))

    @property
    def is_full(self) -> bool:
        """Whether another one would push one out."""
        return len(self._known) >= self._capacity

    def get(self, number: str) -> Revocation | None:
        """Return the revocation with this id."""
        return self._known.get(number)

    def refuses(self, texts: Mapping[str, str], claims: Mapping[str, Any], now: float) -> bool:
        """Return whether a token is revoked; `texts` are its claims as text."""
        if not self._by_key:
            return False
        for name in ("jti", "sub"):
            value = texts.get(name)
            entries = self._by_key.get((name, value)) if value is not None else None
            if entries is not None and any(
                now < entry.until and entry.covers(claims.get("iat")) for entry in entries.values()
            ):
                return True
        return False

    def merge(self, others: Iterable[Revocation], now: float) -> list[Revocation]:
        """Take over what is not known yet, and forget what is over; return what was news.

        The order does not matter, nor does it how often: a withdrawal always wins.
        """
        self.expire(now)
        new = [other for other in others if self._is_news(other, now)]
        for other in new:
            self._drop(other.id)
            self._known[other.id] = other
            self._first_end = min(self._first_end, other.until)
            if not other.is_withdrawn:
                self._by_key.setdefault(other.key, {})[other.id] = other
        surplus = len(self._known) - self._capacity
        if surplus > 0:
            for entry in sorted(self._known.values(), key=lambda entry: entry.until)[:surplus]:
                self._drop(entry.id)
        return new

    def expire(self, now: float) -> None:
        """Forget what is over; as long as nothing can be, nobody looks."""
        if now < self._first_end:
            return
        for entry in [entry for entry in self._known.values() if entry.until <= now]:
            self._drop(entry.id)
        self._first_end = min((entry.until for entry in self._known.values()), default=math.inf)

    def _is_news(self, other: Revocation, now: float) -> bool:
        known = self._known.get(other.id)
        return other.until > now and (known is None or (other.is_withdrawn and not known.is_withdrawn))

    def _drop(self, number: str) -> None:
        entry = self._known.pop(number, None)
        if entry is None or entry.is_withdrawn:
            return
        siblings = self._by_key[entry.key]
        del siblings[number]
        if not siblings:
            del self._by_key[entry.key]
