"""A verified token: its claims, and what follows from nothing but them and the rules about tokens."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import quote

from gateway.config.issuer import AuthPolicy
from gateway.config.snapshot import Quota
from gateway.core.block import Block
from gateway.policy.identity import bounded
from gateway.policy.quota import Charge

type Claims = Mapping[str, Any]
"""The verified payload of a token."""

PLAIN: Final = frozenset({int, float, bool})
HEADER_SAFE: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


@dataclass(slots=True, init=False)
class Verified:
    """One verified token, worked out once and remembered with it. Read-only, but for what is remembered.

    It is good from `starts` until before `ends` (Unix seconds, the leeway included). `texts` are its claims as
    conditions and keys compare them: texts but empty ones, `true` and `false`, numbers in digits. `identity` holds the
    fields that tell an upstream who calls. `consumer` is the consumer where the claims alone tell, with the key that
    quotas by consumer count. `sides` holds the token's Assignment by migration, `charges` what it is charged with by
    an endpoint's quotas, where nothing but its claims counts; `caller` is who called with it last.
    """

    claims: Claims
    texts: Mapping[str, str]
    identity: Block
    consumer: tuple[str, str] | None
    starts: float
    ends: float
    sides: dict[str, Any] = field(repr=False, compare=False)
    caller: Any = field(repr=False, compare=False)
    charges: dict[tuple[Quota, ...], Sequence[Charge]] = field(repr=False, compare=False)

    def __init__(  # written out for when it is compiled, see policy.decision
        self,
        claims: Claims,
        texts: Mapping[str, str],
        identity: Block,
        consumer: tuple[str, str] | None = None,
        starts: float = -math.inf,
        ends: float = math.inf,
    ) -> None:
        self.claims = claims
        self.texts = texts
        self.identity = identity
        self.consumer = consumer
        self.starts = starts
        self.ends = ends
        self.sides = {}
        self.caller = None
        self.charges = {}

    @classmethod
    def of(cls, claims: Claims, policy: AuthPolicy, starts: float = -math.inf, ends: float = math.inf) -> Self:
        """Take claims that were checked, or are taken for granted."""
        texts: dict[str, str] = {}
        for name, value in claims.items():
            kind = type(value)
            if kind is str:
                if value:
                    texts[name] = value
            elif kind in PLAIN:
                texts[name] = str(value) if kind is not bool else "true" if value else "false"
        return cls(claims, texts, _identity(texts, policy), _consumer(texts, policy), starts, ends)


NOBODY: Final = Verified({}, {}, "")
"""Stands for the token of a request whose token was not looked at."""


def _identity(texts: Mapping[str, str], policy: AuthPolicy) -> Block:
    block = ""
    for claim, name in policy.told:
        if claim in texts:
            block += f"{name}: {_printable(texts[claim])}\r\n"
    return block


def _printable(text: str) -> str:
    """Anything but printable ASCII travels percent-encoded, so that no claim can end a header line."""
    is_safe = text.isascii() and text.isprintable() and "%" not in text
    return text if is_safe else quote(text, safe=HEADER_SAFE)


def _consumer(texts: Mapping[str, str], policy: AuthPolicy) -> tuple[str, str] | None:
    for claim, label in policy.own:
        if claim in texts:
            return texts[claim], bounded(f"{label}={texts[claim]}")
    return None
