"""Where an identity is read from, and what is asked of several of them."""

from dataclasses import dataclass, field
from enum import StrEnum


class IdentityKind(StrEnum):
    """Where an identity is read from."""

    CLAIM = "claim"
    HEADER = "header"
    COOKIE = "cookie"
    IP = "ip"


@dataclass(frozen=True, slots=True)
class Identity:
    """Where an identity comes from: `claim:sub`, `header:x-key` (lower case), `cookie:cid` or `ip`."""

    kind: IdentityKind
    name: str = ""
    label: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", f"{self.kind}:{self.name}" if self.name else str(self.kind))

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True, slots=True)
class Condition:
    """Every one of these identities has exactly this value (claims are compared as text)."""

    terms: tuple[tuple[Identity, str], ...]
