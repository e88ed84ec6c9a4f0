"""What a session says in `crossfade.v1` besides messages of topics: whole frames, ready to be written. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from gateway.realtime import frame
from gateway.realtime.command import CommandId
from gateway.realtime.handshake import CROSSFADE
from gateway.realtime.port import Code, Held, Outcome

HEARTBEAT_SECONDS: Final = 25.0
"""How often the client hears a ping."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a client is told at first. `expires_at` is in milliseconds; None for a token that never expires."""

    session: str
    user: str
    expires_at: int | None
    topics: int
    frame_bytes: int


def welcome(told: Welcome) -> bytes:
    """Say who somebody is here, and what is allowed."""
    return _frame(
        {
            "type": "welcome",
            "session": told.session,
            "protocol": CROSSFADE,
            "user": told.user,
            "expires_at": told.expires_at,
            "heartbeat_ms": round(HEARTBEAT_SECONDS * 1000),
            "limits": {"topics": told.topics, "frame_bytes": told.frame_bytes},
        }
    )


def reply(number: CommandId, result: Mapping[str, Any]) -> bytes:
    """Answer a command that was followed."""
    return _frame({"id": number, "type": "reply", "ok": True, "result": result})


def refusal(number: CommandId, code: Code, retry_after_seconds: float | None = None) -> bytes:
    """Answer a command that was not."""
    error = _error(code)
    if retry_after_seconds is not None:
        error["retry_after_ms"] = math.ceil(round(retry_after_seconds * 1000, 3))
    return _frame({"id": number, "type": "reply", "ok": False, "error": error})


def outcome(number: CommandId, found: Outcome) -> bytes:
    """Answer a subscription."""
    subscribed = {topic: held(one) for topic, one in found.subscribed.items()}
    rejected = {topic: _error(code) for topic, code in found.rejected.items()}
    return reply(number, {"subscribed": subscribed, "rejected": rejected})


def held(one: Held) -> dict[str, Any]:
    """Describe a topic's position."""
    described: dict[str, Any] = {"epoch": one.epoch, "offset": one.offset, "mode": one.mode, "state": one.state}
    if one.recovered is not None:
        described["recovered"] = one.recovered
        described["replay"] = one.replay or 0
    return described


def token_expiring(expires_at: int) -> bytes:
    """Ask for a newer token."""
    return _frame({"type": "token_expiring", "expires_at": expires_at})


def disconnect(code: int, reason: str, retry_after_seconds: float | None) -> bytes:
    """Say why the connection ends; without a time the client must not come back as it is."""
    told: dict[str, Any] = {"type": "disconnect", "code": code, "reason": reason, "reconnect": False}
    if retry_after_seconds is not None:
        told |= {"reconnect": True, "retry_after_ms": round(retry_after_seconds * 1000)}
    return _frame(told)


def _error(code: Code) -> dict[str, Any]:
    return {"code": code.number, "reason": code.reason, "temporary": code.is_temporary}


def _frame(document: Mapping[str, Any]) -> bytes:
    return frame.text(orjson.dumps(document))
