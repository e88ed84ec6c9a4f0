"""What a client may send."""

import json

import pytest

from backends.v2.ws.command import AnalysisSubscription, CommandError, Ping, QuotesSubscription, parse


def subscription(**changes: object) -> str:
    """A frame that is right but for the changes."""
    data = {"action": "subscribe", "symbols": ["600519"]}
    return json.dumps({"type": "subscription", "id": "7", "channel": "quotes", "data": data} | changes)


def test_a_subscription_names_members_and_whom_it_is_for() -> None:
    data = {"action": "subscribe", "tasks": ["t"], "onBehalfOf": "bob"}
    command = parse(subscription(channel="analysis", data=data, timestamp=1, more="ignored"))
    assert isinstance(command, AnalysisSubscription)
    assert (command.data.members, command.data.on_behalf_of) == (["t"], "bob")


def test_the_id_is_free_text_a_number_or_missing() -> None:
    assert parse('{"type": "ping"}') == Ping(type="ping")
    assert parse('{"type": "ping", "id": 4}') == Ping(type="ping", id=4)
    assert isinstance(parse(subscription()), QuotesSubscription)


@pytest.mark.parametrize(
    ("frame", "frame_id", "message"),
    [
        ("{", None, "the frame must be JSON"),
        ("5", None, "the frame must be a JSON object"),
        ('["ping"]', None, "the frame must be a JSON object"),
        ("{}", None, "the frame's type or channel is missing or unknown"),
        ('{"type": "dance", "id": 3}', 3, "the frame's type or channel is missing or unknown"),
        (subscription(channel="weather"), "7", "the frame's type or channel is missing or unknown"),
        (subscription(data={"symbols": ["1"]}), "7", "data.action: a required value is missing"),
        (
            subscription(data={"action": "dance", "symbols": ["1"]}),
            "7",
            "data.action: the value is not one of those allowed",
        ),
        (
            subscription(data={"action": "subscribe", "symbols": []}),
            "7",
            "data.symbols: the list must have at least 1 item",
        ),
        (subscription(data={"action": "subscribe", "symbols": [1]}), "7", "data.symbols.0: the value must be text"),
        (subscription(channel="analysis"), "7", "data.tasks: a required value is missing"),
        (subscription(data=None), "7", "data: the value must be an object"),
        (subscription(id=2**64), None, "id: an id is text or a whole number of 64 bits"),
        (subscription(id=-(2**70)), None, "id: an id is text or a whole number of 64 bits"),
        (subscription(id=True), None, "id: an id is text or a whole number of 64 bits"),
        (subscription(id=1.5), None, "id: an id is text or a whole number of 64 bits"),
    ],
)
def test_what_makes_no_sense_is_told_to_whom_it_may_concern(frame: str, frame_id: object, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(frame)
    assert (caught.value.frame_id, caught.value.message) == (frame_id, message)
