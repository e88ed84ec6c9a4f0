"""Topics: how their names are written, the configured families they belong to, and whose they are.

A topic is `name(:part)+` of `[A-Za-z0-9._~-]`, at most 128 bytes (CONTRACT section 8). Nothing here knows who is
subscribed.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from gateway.config.schema import Topic as TopicSpec
from gateway.realtime.port import Code

MAX_BYTES: Final = 128
NAME: Final = re.compile(r"[A-Za-z0-9._~-]+(?::[A-Za-z0-9._~-]+)*", re.ASCII)
PART: Final = re.compile(r"[A-Za-z0-9._-][A-Za-z0-9._~-]*", re.ASCII)
OWNER: Final = "sub"
OWNED: Final = "owner"

type Authorize = Literal["none", "upstream", "owner"]


@dataclass(frozen=True)
class Family:
    """A configured pattern of topics. `conflate`: only the newest message of a topic counts.

    `migration` names the one that says which side a topic's messages come from, `adapt` the adapter that makes v1's
    shape of them, `legacy` the path of v1's own stream.
    """

    name: str
    match: str
    conflate: bool = False
    authorize: Authorize = "none"
    migration: str | None = None
    adapt: str | None = None
    legacy: str | None = None
    parts: tuple[str | None, ...] = field(init=False, repr=False, compare=False)
    owner_at: int | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        texts = self.match.split(":")
        owned = f"{{{OWNER}}}"
        object.__setattr__(self, "parts", tuple(None if text.startswith("{") else text for text in texts))
        object.__setattr__(self, "owner_at", texts.index(owned) if owned in texts else None)

    @classmethod
    def of(cls, name: str, spec: TopicSpec) -> "Family":
        """Return the family that the file describes."""
        return cls(name, spec.match, spec.conflate, spec.authorize)

    @cached_property
    def names(self) -> tuple[str | None, ...]:
        """The parameters' names by position; None where there is a literal."""
        texts = self.match.split(":")
        return tuple(text[1:-1] if text.startswith("{") else None for text in texts)

    @property
    def mode(self) -> Literal["latest", "stream"]:
        """How readers who are behind are served."""
        return "latest" if self.conflate else "stream"

    @property
    def has_state(self) -> bool:
        """Whether the newest message says how things stand; otherwise each message is an event of its own."""
        return self.conflate or self.authorize != "owner"

    def fits(self, parts: list[str]) -> bool:
        """Return whether a topic's parts are of this family."""
        if len(parts) != len(self.parts):
            return False
        return all(own is None or own == part for own, part in zip(self.parts, parts, strict=True))

    def values(self, topic: str) -> Mapping[str, str]:
        """Return a topic's parameters."""
        pairs = zip(self.names, topic.split(":"), strict=True)
        return {name: part for name, part in pairs if name is not None}


@dataclass(frozen=True, slots=True)
class Address:
    """A topic that exists by the rules. `owner` is the subject that it belongs to, where the rules tell."""

    topic: str
    family: Family
    owner: str | None = None


def owner_part(subject: str) -> str:
    """Return how a subject is written inside a topic: as it is where the grammar allows, else `~` and base64url."""
    if PART.fullmatch(subject):
        return subject
    return "~" + urlsafe_b64encode(subject.encode()).decode().rstrip("=")


class Families:
    """All families, the most literal first. It never remembers a topic."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = tuple(sorted(families, key=_specificity))

    def __iter__(self) -> Iterator[Family]:
        return iter(self._families)

    def __repr__(self) -> str:
        return f"<Families {', '.join(family.match for family in self._families)}>"

    def patterns(self) -> tuple[str, ...]:
        """Return the patterns as they are configured."""
        return tuple(family.match for family in self._families)

    def resolve(self, text: str, subject: str | None) -> Address | Code:
        """Return the topic that a caller means, or why there is none for them.

        `notifications` alone means the caller's own, `notifications:{sub}`.
        """
        if len(text) > MAX_BYTES or not NAME.fullmatch(text):
            return Code.BAD_REQUEST
        own = self._own(text, subject)
        if own is not None:
            return own
        parts = text.split(":")
        for family in self._families:
            if family.fits(parts):
                return _permit(family, text, parts, subject)
        return Code.UNKNOWN_TOPIC

    def _own(self, text: str, subject: str | None) -> Address | Code | None:
        """Return the topic that is meant by its name without the owner at the end."""
        for family in self._families:
            last = len(family.parts) - 1
            if family.authorize != OWNED or family.owner_at != last or text != family.match.rpartition(":")[0]:
                continue
            if subject is None:
                return Code.PERMISSION_DENIED
            topic = f"{text}:{owner_part(subject)}"
            return Address(topic, family, subject) if len(topic) <= MAX_BYTES else Code.BAD_REQUEST
        return None


def _permit(family: Family, text: str, parts: list[str], subject: str | None) -> Address | Code:
    if family.authorize != OWNED or family.owner_at is None:
        return Address(text, family)
    if subject is None or parts[family.owner_at] != owner_part(subject):
        return Code.PERMISSION_DENIED
    return Address(text, family, subject)


def _specificity(family: Family) -> tuple[int, ...]:
    return tuple(1 if part is None else 0 for part in family.parts)
