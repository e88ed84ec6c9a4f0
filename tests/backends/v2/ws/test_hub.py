"""Who gets what."""

from datetime import UTC, datetime

from backends.v2.ws.frame import Push, Topic
from backends.v2.ws.hub import Hub

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
QUOTE = Topic("quotes", "600519")
TASK = Topic("analysis", "t-1")


class Still:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


class Listener:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.was_told_to_leave = False

    def deliver(self, push: Push) -> None:
        self.heard.append(push.body)

    def leave(self) -> None:
        self.was_told_to_leave = True


def hub_with(*listeners: Listener) -> Hub:
    """A hub that they joined."""
    hub = Hub(Still())
    for listener in listeners:
        hub.join(listener)
    return hub


def test_a_push_reaches_its_subscribers_only() -> None:
    one, other = Listener(), Listener()
    hub = hub_with(one, other)
    hub.subscribe(one, QUOTE)
    hub.publish(Push(QUOTE, b"1"))
    assert (one.heard, other.heard) == ([b"1"], [])


def test_subscribing_twice_is_subscribing_once() -> None:
    one = Listener()
    hub = hub_with(one)
    hub.subscribe(one, QUOTE)
    hub.subscribe(one, QUOTE)
    hub.publish(Push(QUOTE, b"1"))
    assert one.heard == [b"1"]
    assert hub.quote_subscriptions() == {"600519": 1}


def test_after_the_last_push_nobody_is_subscribed_any_more() -> None:
    one, other = Listener(), Listener()
    hub = hub_with(one, other)
    hub.subscribe(one, TASK)
    hub.subscribe(other, TASK)
    hub.publish(Push(TASK, b"end", is_last=True))
    hub.publish(Push(TASK, b"late"))
    assert one.heard == other.heard == [b"end"]
    assert hub.subscriptions() == {"quotes": 0, "analysis": 0, "notifications": 0}


def test_who_parts_leaves_nothing_behind() -> None:
    one, other = Listener(), Listener()
    hub = hub_with(one, other)
    hub.subscribe(one, QUOTE)
    hub.subscribe(one, TASK)
    hub.subscribe(other, QUOTE)
    hub.part(one)
    hub.part(one)
    assert hub.connections == 1
    assert hub.subscriptions() == {"quotes": 1, "analysis": 0, "notifications": 0}


def test_unsubscribing_what_one_does_not_hold_is_no_error() -> None:
    one = Listener()
    hub_with(one).unsubscribe(one, QUOTE)


def test_messages_find_their_topic_by_their_channel() -> None:
    one = Listener()
    hub = hub_with(one)
    hub.subscribe(one, TASK)
    hub.subscribe(one, Topic("notifications", "bob"))
    state = {"task_id": "t-1", "status": "running", "progress": 20, "current_step": "load", "message": "loading"}
    hub.hear_event({**state, "channel": "progress:t-1"})
    hub.hear_event(
        {
            "channel": "notifications:bob",
            "id": "n",
            "user": "bob",
            "kind": "analysis",
            "data": {"a": 1},
            "created_at": "2026-11-22T10:00:00.000Z",
        }
    )
    assert one.heard == [
        b'{"type":"analysis_progress","channel":"analysis","timestamp":1795341600000,"data":{"taskId":"t-1",'
        b'"status":"running","progress":20,"currentStep":"load","message":"loading"}}',
        b'{"type":"notification","channel":"notifications","timestamp":1795341600000,"data":{"id":"n","user":"bob",'
        b'"kind":"analysis","data":{"a":1},"createdAt":"2026-11-22T10:00:00.000Z"}}',
    ]


def test_a_cancelled_task_counts_as_failed_and_as_over() -> None:
    one = Listener()
    hub = hub_with(one)
    hub.subscribe(one, TASK)
    state = {"task_id": "t-1", "status": "cancelled", "progress": 20, "current_step": "load", "message": ""}
    hub.hear_event({**state, "channel": "progress:t-1"})
    assert one.heard[0].startswith(b'{"type":"analysis_failed"')
    assert hub.subscriptions()["analysis"] == 0


def test_everybody_is_told_to_leave() -> None:
    one, other = Listener(), Listener()
    hub_with(one, other).dismiss()
    assert one.was_told_to_leave
    assert other.was_told_to_leave
