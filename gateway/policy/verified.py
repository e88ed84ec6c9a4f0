"""A verified token: its claims, and what follows from nothing but them and the rules about tokens."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import quote

from gateway.config.snapshot import AuthPolicy, IdentityKind
from gateway.core.block import Block
from gateway.policy.identity import bounded

type Claims = Mapping[str, Any]
"""The verified payload of a token."""

HEADER_SAFE: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


@dataclass(slots=True)
class Verified:
    """One verified token, worked out once and remembered with it. Read-only, but for what `sides` remembers.

    It is good from `starts` until before `ends` (Unix seconds, the leeway included). `texts` are its claims as
    conditions and keys compare them: texts but empty ones, `true` and `false`, numbers in digits. `identity` holds the
    fields that tell an upstream who calls. `consumer` is the consumer where the claims alone tell, with the key that
    quotas by consumer count. `sides` holds the token's Assignment by migration, where no other than its claims count.
    """

    claims: Claims
    texts: Mapping[str, str]
    identity: Block
    consumer: tuple[str, str] | None = None
    starts: float = -math.inf
    ends: float = math.inf
    sides: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, claims: Claims, policy: AuthPolicy) -> Self:
        """Take the claims of a token whose signature and times were checked."""
        known = cls.given(claims, policy)
        known.starts = max(claims.get("nbf", -math.inf), claims.get("iat", -math.inf)) - policy.leeway
        known.ends = claims["exp"] + policy.leeway
        return known

    @classmethod
    def given(cls, claims: Claims, policy: AuthPolicy) -> Self:
        """Take claims as they are, for good at any time."""
        texts = {
            name: text
            for name, value in claims.items()
            if (text := value if isinstance(value, str) else _plain_text(value))
        }
        return cls(claims, texts, _identity(texts, policy), _consumer(texts, policy))


NOBODY: Final = Verified({}, {}, "")
"""Stands for the token of a request whose token was not looked at."""


def _plain_text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def _identity(texts: Mapping[str, str], policy: AuthPolicy) -> Block:
    told = [(name, texts[claim]) for claim, name in policy.forward.items() if claim in texts]
    return "".join([f"{name}: {_printable(text)}\r\n" for name, text in told])


def _printable(text: str) -> str:
    """Anything but printable ASCII travels percent-encoded, so that no claim can end a header line."""
    is_safe = text.isascii() and text.isprintable() and "%" not in text
    return text if is_safe else quote(text, safe=HEADER_SAFE)


def _consumer(texts: Mapping[str, str], policy: AuthPolicy) -> tuple[str, str] | None:
    for identity in policy.consumer:
        if identity.kind is not IdentityKind.CLAIM:
            return None
        if identity.name in texts:
            return texts[identity.name], bounded(f"{identity.label}={texts[identity.name]}")
    return None
