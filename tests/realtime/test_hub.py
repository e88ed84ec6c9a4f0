"""Who gets what, and what the upstream is asked for it."""

from gateway.realtime.port import Code, Dialect, Position
from tests.realtime.stage import Stage


def test_a_message_goes_to_everybody_who_holds_its_topic_in_the_contracts_order_of_members() -> None:
    stage = Stage()
    alice, bob, other = stage.join(), stage.join("bob"), stage.join("carol")
    stage.hold(alice, "quotes:600519")
    stage.hold(bob, "quotes:600519")
    stage.hold(other, "quotes:000001")
    stage.say(("quotes:600519", {"price": 1}))
    expected = b'{"type":"message","topic":"quotes:600519","offset":1,"ts":1000,"data":{"price":1}}'
    assert [reader.writes[0][2:] for reader in (alice, bob)] == [expected, expected]
    assert alice.writes[0] is bob.writes[0]
    assert not other.writes


def test_the_first_subscriber_is_answered_when_the_upstream_has_agreed_and_the_second_at_once() -> None:
    stage = Stage()
    first = stage.ask(stage.join(), "quotes:600519")
    assert not first
    stage.agree()
    assert first[0].subscribed["quotes:600519"].state == "live"
    assert stage.ask(stage.join("bob"), "quotes:600519")[0].subscribed
    assert not stage.upstream.asked


def test_the_upstream_is_left_a_moment_after_the_last_reader_and_not_when_somebody_comes_back() -> None:
    stage = Stage()
    reader = stage.join()
    stage.hold(reader, "quotes:600519")
    assert reader.member is not None
    assert reader.member.unsubscribe(["quotes:600519", "quotes:1"]) == ["quotes:600519"]
    stage.wait(9)
    assert stage.ask(stage.join(), "quotes:600519")[0].subscribed
    stage.wait(60)
    assert stage.upstream.held == {"quotes:600519"}
    assert stage.hub.topics() == {"quotes:600519": 1}
    reader.member.leave()
    stage.hub.find("quotes:600519").members()[0].leave()  # type: ignore[union-attr]
    stage.wait(9)
    assert stage.upstream.held
    stage.wait(2)
    assert not stage.upstream.held
    assert stage.hub.find("quotes:600519") is None


def test_an_unknown_symbol_is_rejected_when_the_upstream_says_so() -> None:
    stage = Stage()
    answers = stage.ask(stage.join(), "quotes:nobody")
    stage.refuse()
    assert answers[0].rejected == {"quotes:nobody": Code.UPSTREAM_REJECTED}
    assert stage.hub.find("quotes:nobody") is None


def test_every_user_of_an_authorised_topic_is_asked_for_and_a_refusal_is_theirs_alone() -> None:
    stage = Stage()
    alice, bob = stage.join(), stage.join("bob")
    stage.hold(alice, "analysis:t1")
    answers = stage.ask(bob, "analysis:t1")
    assert stage.upstream.asked == [("analysis:t1", "bob")]
    stage.refuse()
    assert answers[0].rejected == {"analysis:t1": Code.UPSTREAM_REJECTED}
    stage.say(("analysis:t1", 1))
    assert len(alice.take()) == 1
    assert not bob.writes


def test_the_state_that_the_upstream_repeats_for_a_second_user_is_no_second_message() -> None:
    stage = Stage()
    alice = stage.join()
    stage.hold(alice, "analysis:t1")
    stage.say(("analysis:t1", 40))
    stage.hold(stage.join("bob"), "analysis:t1")
    stage.say(("analysis:t1", 40))
    stage.say(("analysis:t1", 40))
    assert alice.offsets("analysis:t1") == [1, 2]


def test_only_the_owner_gets_an_owned_topic_and_its_short_name_means_ones_own() -> None:
    stage = Stage()
    alice = stage.join()
    outcome = stage.hold(alice, "notifications", "notifications:bob")
    assert outcome.rejected == {"notifications:bob": Code.PERMISSION_DENIED}
    assert list(outcome.subscribed) == ["notifications"]
    assert alice.member is not None
    assert list(alice.member.held()) == ["notifications:alice"]
    assert alice.member.unsubscribe(["notifications"]) == ["notifications"]


def test_what_is_no_topic_is_told_from_what_is_nobodys() -> None:
    stage = Stage()
    outcome = stage.ask(stage.join(), "quotes:*", "weather:today", "quotes:" + "9" * 122, "quotes:1:2")[0]
    assert list(outcome.rejected.values()) == [
        Code.BAD_REQUEST,
        Code.UNKNOWN_TOPIC,
        Code.BAD_REQUEST,
        Code.UNKNOWN_TOPIC,
    ]


def test_a_subscriber_holds_no_more_topics_than_it_may_however_it_asks() -> None:
    stage = Stage(limit=2)
    reader = stage.join()
    first = stage.ask(reader, "quotes:1", "quotes:2", "quotes:3")
    second = stage.ask(reader, "quotes:4", "quotes:1")
    stage.agree()
    assert first[0].rejected == {"quotes:3": Code.LIMIT_EXCEEDED}
    assert second[0].rejected == {"quotes:4": Code.LIMIT_EXCEEDED}
    assert stage.ask(reader, "quotes:2")[0].subscribed


def test_a_latest_topic_says_its_last_value_at_once_and_a_stream_says_nothing() -> None:
    stage = Stage()
    stage.hold(stage.join(), "quotes:1", "analysis:t1")
    stage.say(("quotes:1", 1), ("analysis:t1", 1))
    stage.say(("quotes:1", 2))
    reader = stage.join()
    stage.hold(reader, "quotes:1", "analysis:t1")
    assert [(frame["topic"], frame["offset"]) for frame in reader.take()] == [("quotes:1", 2)]


def test_who_comes_back_gets_what_was_missed_or_hears_that_it_is_lost() -> None:
    stage = Stage(messages=3)
    stage.hold(stage.join(), "analysis:t1")
    for number in range(6):
        stage.say(("analysis:t1", number))
    epoch = stage.hub.find("analysis:t1").epoch  # type: ignore[union-attr]
    table = {3: ([4, 5, 6], True), 6: ([], True), 2: ([], False), 7: ([], False), -1: ([], False)}
    for offset, (replayed, is_recovered) in table.items():
        reader = stage.join()
        held = stage.hold(reader, "analysis:t1", since=Position(epoch, offset)).subscribed["analysis:t1"]
        assert (held.offset, held.recovered, held.replay) == (6, is_recovered, len(replayed))
        assert reader.offsets("analysis:t1") == replayed
    held = stage.hold(stage.join(), "analysis:t1", since=Position("other", 3)).subscribed["analysis:t1"]
    assert held.recovered is False


def test_what_was_said_too_long_ago_is_not_replayed() -> None:
    stage = Stage(seconds=100)
    stage.hold(stage.join(), "analysis:t1")
    stage.say(("analysis:t1", 1))
    stage.wait(60)
    stage.say(("analysis:t1", 2))
    stage.wait(60)
    epoch = stage.hub.find("analysis:t1").epoch  # type: ignore[union-attr]
    late, later = stage.join(), stage.join()
    assert stage.hold(late, "analysis:t1", since=Position(epoch, 0)).subscribed["analysis:t1"].recovered is False
    assert stage.hold(later, "analysis:t1", since=Position(epoch, 1)).subscribed["analysis:t1"].recovered is True
    assert later.offsets("analysis:t1") == [2]


def test_a_lost_upstream_is_told_once_to_each_and_nothing_is_hidden_when_it_is_back() -> None:
    stage = Stage()
    reader = stage.join()
    stage.hold(reader, "quotes:1", "quotes:2")
    stage.say(("quotes:1", 1))
    reader.take()
    stage.lose()
    assert reader.take() == [
        {"type": "status", "topics": ["quotes:1", "quotes:2"], "state": "stale", "reason": "upstream_down"}
    ]
    newcomer = stage.join()
    assert stage.ask(newcomer, "quotes:1")[0].subscribed["quotes:1"].state == "stale"
    stage.find()
    stage.agree()
    status = reader.take()[0]
    assert (status["state"], status["topics"]) == ("live", ["quotes:1", "quotes:2"])
    assert status["epoch"] != "e1"
    stage.say(("quotes:1", 5))
    assert reader.take()[0]["offset"] == 1


def test_while_the_upstream_is_down_what_it_must_allow_is_refused() -> None:
    stage = Stage()
    stage.lose()
    outcome = stage.ask(stage.join(), "analysis:t1", "quotes:1", "notifications")[0]
    assert outcome.rejected == {"analysis:t1": Code.UPSTREAM_UNAVAILABLE}
    assert {held.state for held in outcome.subscribed.values()} == {"stale"}


def test_an_upstream_that_never_answers_is_taken_for_lost_after_five_seconds() -> None:
    stage = Stage()
    answers = stage.ask(stage.join(), "analysis:t1", "quotes:1")
    stage.wait(4)
    assert not answers
    stage.wait(2)
    assert answers[0].rejected == {"analysis:t1": Code.UPSTREAM_UNAVAILABLE}
    assert answers[0].subscribed["quotes:1"].state == "stale"


def test_the_end_of_a_topic_ends_its_subscriptions_and_late_comers_are_told_too() -> None:
    stage = Stage()
    reader = stage.join()
    stage.hold(reader, "analysis:t1")
    stage.say(("analysis:t1", 1))
    stage.say(("analysis:t1", 2), is_last=True)
    assert [(frame["type"], frame["offset"]) for frame in reader.take()] == [
        ("message", 1),
        ("message", 2),
        ("complete", 3),
    ]
    assert reader.member is not None
    assert not reader.member.held()
    stage.wait(60)
    epoch = stage.hub.find("analysis:t1").epoch  # type: ignore[union-attr]
    late = stage.join()
    stage.hold(late, "analysis:t1", since=Position(epoch, 1))
    assert [(frame["type"], frame["offset"]) for frame in late.take()] == [("message", 2), ("complete", 3)]
    assert late.member is not None
    assert not late.member.held()
    stage.wait(400)
    assert stage.hub.find("analysis:t1") is None


def test_messages_that_come_together_are_one_write_for_each_subscriber() -> None:
    stage = Stage()
    reader, other = stage.join(), stage.join()
    stage.hold(reader, *(f"quotes:{number}" for number in range(50)))
    stage.hold(other, "quotes:1")
    stage.say(*((f"quotes:{number}", number) for number in range(100)))
    assert len(reader.writes) == 1
    assert len(reader.take()) == 50
    assert len(other.take()) == 1


def test_one_who_is_behind_gets_the_newest_of_what_is_conflated_and_all_of_the_rest() -> None:
    stage = Stage()
    reader = stage.join()
    stage.hold(reader, "quotes:1", "analysis:t1")
    reader.is_behind = True
    for number in range(5):
        stage.say(("quotes:1", number), ("analysis:t1", number))
    assert not reader.writes
    reader.is_behind = False
    assert reader.member is not None
    reader.member.drained()
    got = [(frame["topic"], frame["offset"]) for frame in reader.take()]
    assert got == [("quotes:1", 5), *(("analysis:t1", number) for number in range(1, 6))]
    assert stage.delivery.dropped["conflated"] == 4
    assert reader.member.backlog is None


def test_one_whose_place_in_a_stream_was_overrun_is_unsubscribed_with_2500() -> None:
    stage = Stage(messages=3)
    reader = stage.join()
    stage.hold(reader, "analysis:t1")
    reader.is_behind = True
    for number in range(4):
        stage.say(("analysis:t1", number))
    reader.is_behind = False
    assert reader.member is not None
    reader.member.drained()
    assert [(frame["type"], frame.get("code")) for frame in reader.take()] == [("unsubscribed", 2500)]
    assert not reader.member.held()


def test_one_who_is_too_far_behind_is_closed_with_4508() -> None:
    stage = Stage(queue=3)
    reader, other = stage.join(), stage.join()
    stage.hold(reader, "analysis:t1", "quotes:1")
    stage.hold(other, "analysis:t1")
    reader.is_behind = True
    for number in range(9):
        stage.say(("quotes:1", number))
    for number in range(3):
        stage.say(("analysis:t1", number))
    assert reader.closed is None
    stage.say(("analysis:t1", 3))
    assert reader.closed == 4508
    assert other.offsets("analysis:t1") == [1, 2, 3, 4]


def test_a_long_replay_stops_where_the_reader_stops_and_goes_on_from_there() -> None:
    stage = Stage()
    stage.hold(stage.join(), "analysis:t1")
    for _ in range(10):
        stage.say(("analysis:t1", "x" * 30_000))
    reader = stage.join()
    reader.capacity = 80_000
    epoch = stage.hub.find("analysis:t1").epoch  # type: ignore[union-attr]
    stage.hold(reader, "analysis:t1", since=Position(epoch, 0))
    offsets = []
    for _ in range(10):
        assert sum(map(len, reader.writes)) < 80_000 + 2 * 65_536
        offsets += reader.offsets("analysis:t1")
        reader.is_behind = False
        assert reader.member is not None
        reader.member.drained()
    assert offsets == list(range(1, 11))


def test_a_topic_moves_to_its_other_side_without_a_word_before_the_new_epoch() -> None:
    stage = Stage()
    reader = stage.join()
    stage.hold(reader, "analysis:t1")
    stage.say(("analysis:t1", 1))
    stage.sides.chosen["analysis:t1"] = stage.legacy
    stage.hub.arrange()
    stage.say(("analysis:t1", 2))
    stage.agree(stage.legacy)
    stage.say(("analysis:t1", 3))
    stage.say(("analysis:t1", 4), source=stage.legacy)
    got = [(frame["type"], frame.get("offset")) for frame in reader.take()]
    assert got == [("message", 1), ("message", 2), ("status", None), ("message", 1)]
    assert (stage.upstream.held, stage.legacy.held) == (set(), {"analysis:t1"})


def test_each_dialect_is_written_as_its_readers_know_it() -> None:
    stage = Stage()
    tacn, events = stage.join(dialect=Dialect.TACN), stage.join(dialect=Dialect.EVENTS)
    stage.hold(tacn, "quotes:1")
    stage.hold(events, "quotes:1")
    stage.say(("quotes:1", {"price": 2}))
    assert tacn.take() == [{"type": "quote_update", "channel": "quotes", "timestamp": 1000, "data": {"price": 2}}]
    assert events.writes == [b'id: e1:1\nevent: quote\ndata: {"price":2}\n\n']


def test_a_stream_of_events_ends_with_its_topic() -> None:
    stage = Stage()
    events = stage.join(dialect=Dialect.EVENTS)
    stage.hold(events, "analysis:t1")
    stage.say(("analysis:t1", 1), is_last=True)
    assert events.closed == 1000
