"""What v2 sends in `tacn.v2`: answers and pushes. Times are integer milliseconds, UTC.

Pushes are encoded once, whoever receives them; nothing in them depends on the subscriber.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from backends.domain.analysis import Progress
from backends.domain.clock import parse_iso
from backends.domain.market import Quote
from backends.domain.queue import FINISHED
from backends.v2.ws.command import Channel, CommandError, FrameId, Subscription


@dataclass(frozen=True, slots=True)
class Topic:
    """One member of a channel: a symbol, a task's id or a user."""

    channel: Channel
    member: str


@dataclass(frozen=True, slots=True)
class Push:
    """An encoded frame for the subscribers of a topic; after the last one nothing more will come."""

    topic: Topic
    body: bytes
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a member could not be subscribed to."""

    member: str
    reason: str


_MEMBER_NAME: dict[Channel, str] = {"quotes": "symbol", "analysis": "task", "notifications": "user"}


def pong(frame_id: FrameId, now: datetime) -> bytes:
    """The answer to a ping."""
    return orjson.dumps({"type": "pong", "id": frame_id, "timestamp": millis(now)})


def ack(
    command: Subscription,
    now: datetime,
    *,
    subscribed: Sequence[str] = (),
    unsubscribed: Sequence[str] = (),
    refused: Sequence[Refusal] = (),
) -> bytes:
    """The answer to a subscription, with an error for each member that was refused."""
    member_name = _MEMBER_NAME[command.channel]
    data = {
        "success": not refused,
        "subscribed": list(subscribed),
        "unsubscribed": list(unsubscribed),
        "errors": [{member_name: refusal.member, "error": refusal.reason} for refusal in refused],
    }
    return orjson.dumps(
        {"type": "ack", "id": command.id, "channel": command.channel, "timestamp": millis(now), "data": data}
    )


def error(problem: CommandError, now: datetime) -> bytes:
    """The answer to a frame that makes no sense, or that broke on the way."""
    data = {"code": problem.code, "message": problem.message}
    return orjson.dumps({"type": "error", "id": problem.frame_id, "timestamp": millis(now), "data": data})


def quote_update(quote: Quote, now: datetime) -> Push:
    """What a stock costs now."""
    data = {
        "code": quote.symbol,
        "price": quote.price,
        "change": quote.change,
        "changePercent": quote.change_percent,
        "volume": quote.volume,
        "timestamp": millis(parse_iso(quote.time)),
    }
    return _push(Topic("quotes", quote.symbol), "quote_update", data, now)


def analysis_event(event: Mapping[str, Any], now: datetime) -> Push:
    """How far a task is; `event` is the domain's message about it, a cancelled task counts as failed."""
    status = event["status"]
    data = {
        "taskId": event["task_id"],
        "status": status,
        "progress": event["progress"],
        "currentStep": event["current_step"],
        "message": event["message"],
    }
    kind = _ANALYSIS_TYPES.get(status, "analysis_progress")
    return _push(Topic("analysis", event["task_id"]), kind, data, now, is_last=status in FINISHED)


def analysis_state(progress: Progress, now: datetime) -> Push:
    """The same for a task that was read rather than heard of."""
    event = {
        "task_id": progress.task_id,
        "status": progress.status,
        "progress": progress.progress,
        "current_step": progress.current_step,
        "message": progress.message,
    }
    return analysis_event(event, now)


def notification(event: Mapping[str, Any], now: datetime) -> Push:
    """A user's notification; `user` tells a service, which may subscribe for many, whose it is."""
    data = {
        "id": event["id"],
        "user": event["user"],
        "kind": event["kind"],
        "data": event["data"],
        "createdAt": event["created_at"],
    }
    return _push(Topic("notifications", event["user"]), "notification", data, now)


def millis(moment: datetime) -> int:
    """Unix milliseconds."""
    return round(moment.timestamp() * 1000)


_ANALYSIS_TYPES = {"completed": "analysis_complete", "failed": "analysis_failed", "cancelled": "analysis_failed"}


def _push(topic: Topic, kind: str, data: Mapping[str, Any], now: datetime, *, is_last: bool = False) -> Push:
    frame = {"type": kind, "channel": topic.channel, "timestamp": millis(now), "data": data}
    return Push(topic, orjson.dumps(frame), is_last)
