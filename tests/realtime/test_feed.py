"""The hub's one connection to an upstream, on real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

from gateway.core.clock import SystemClock
from gateway.realtime.feed import Feed
from gateway.realtime.port import Code
from tests.realtime.stage import Sides, Stage
from tests.realtime.tacn_server import TacnServer, tacn_server
from tests.support.soon import soon


class Scene:
    """A hub that hears a scripted upstream."""

    def __init__(self, server: TacnServer) -> None:
        self.server = server
        self.stage = Stage()
        self.feed = Feed("v2", "/ws", lambda: (server.url,), lambda: "service-token", SystemClock(), Random(1))
        self.stage.hub._sides = self.stage.sides = Sides(self.feed)

    async def up(self) -> None:
        self.feed.start(self.stage.hub)
        assert await soon(lambda: self.feed.is_up)


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    async with tacn_server() as server:
        found = Scene(server)
        await found.up()
        try:
            yield found
        finally:
            await found.feed.close()


async def test_it_authenticates_as_a_service_and_asks_for_many_topics_with_one_command() -> None:
    async with scene() as found:
        answers = found.stage.ask(found.stage.join(), *(f"quotes:{number}" for number in range(20)))
        assert await soon(lambda: bool(answers))
        assert len(answers[0].subscribed) == 20
        assert [len(command["data"]["symbols"]) for command in found.server.commands] == [20]
        assert found.server.tokens == ["Bearer service-token"]


async def test_it_names_the_user_of_what_the_upstream_authorises_and_of_what_is_theirs() -> None:
    async with scene() as found:
        answers = found.stage.ask(found.stage.join("bob"), "analysis:t1", "notifications")
        assert await soon(lambda: bool(answers))
        named = [(command["channel"], command["data"]["onBehalfOf"]) for command in found.server.commands]
        assert named == [("analysis", "bob"), ("notifications", "bob")]


async def test_a_refused_member_is_rejected_alone_and_an_internal_error_is_temporary() -> None:
    async with scene() as found:
        found.server.refused = {"nobody": "no such stock", "t2": "internal error"}
        answers = found.stage.ask(found.stage.join(), "quotes:1", "quotes:nobody", "analysis:t2")
        assert await soon(lambda: bool(answers))
        assert list(answers[0].subscribed) == ["quotes:1"]
        assert answers[0].rejected == {
            "quotes:nobody": Code.UPSTREAM_REJECTED,
            "analysis:t2": Code.UPSTREAM_UNAVAILABLE,
        }


async def test_one_member_that_spoils_a_command_does_not_spoil_the_others() -> None:
    async with scene() as found:
        answers = found.stage.ask(found.stage.join(), "quotes:1", "quotes:broken", "quotes:2")
        assert await soon(lambda: bool(answers))
        assert set(answers[0].subscribed) == {"quotes:1", "quotes:2"}
        assert answers[0].rejected == {"quotes:broken": Code.UPSTREAM_REJECTED}


async def test_what_comes_together_is_one_write_for_each_client() -> None:
    async with scene() as found:
        reader = found.stage.join()
        symbols = [f"{number}" for number in range(30)]
        answers = found.stage.ask(reader, *(f"quotes:{symbol}" for symbol in symbols))
        assert await soon(lambda: bool(answers))
        await found.server.quote(*symbols)
        assert await soon(lambda: found.stage.delivery.sent == 30)
        assert len(reader.writes) < 5


async def test_after_a_loss_everything_is_asked_for_again_and_clients_hear_stale_then_live() -> None:
    async with scene() as found:
        reader = found.stage.join()
        answers = found.stage.ask(reader, "quotes:1", "quotes:2")
        assert await soon(lambda: bool(answers))
        await found.server.quote("1")
        assert await soon(lambda: found.stage.delivery.sent == 1)
        await found.server.stop()
        assert await soon(lambda: not found.feed.is_up)
        await found.server.start()
        assert await found.server.holds("1", "2")
        assert await soon(lambda: len(reader.writes) == 3)
        await found.server.quote("1", "2", price=2.0)
        assert await soon(lambda: found.stage.delivery.sent == 3)
        frames = reader.take()
        assert [frame.get("state") for frame in frames] == [None, "stale", "live", None, None]
        assert [frame["offset"] for frame in frames if "offset" in frame] == [1, 1, 1]


async def test_the_last_readers_leaving_ends_the_subscription_upstream() -> None:
    async with scene() as found:
        reader = found.stage.join()
        answers = found.stage.ask(reader, "quotes:1", "notifications")
        assert await soon(lambda: bool(answers))
        assert await found.server.holds("1", "alice")
        assert reader.member is not None
        reader.member.leave()
        found.stage.wait(11)
        assert await found.server.holds()


async def test_frames_that_mean_nothing_are_passed_over() -> None:
    async with scene() as found:
        reader = found.stage.join()
        answers = found.stage.ask(reader, "quotes:1")
        assert await soon(lambda: bool(answers))
        await found.server.say({"type": "quote_update"}, {"type": "pong"}, {"channel": "quotes", "data": 1})
        await found.server.say({"type": "quote_update", "channel": "quotes", "data": {"code": 5}})
        await found.server.quote("1")
        assert await soon(lambda: found.stage.delivery.sent == 1)
        assert found.feed.state.last_message_at is not None


async def test_an_endpoint_that_is_gone_is_left_for_the_next() -> None:
    async with tacn_server() as server:
        found = Scene(server)
        found.feed = Feed(
            "v2", "/ws", lambda: ("http://127.0.0.1:1", server.url), lambda: "t", SystemClock(), Random(1)
        )
        await found.up()
        await found.feed.close()
        assert not found.feed.is_up


def test_rules_are_replaced_and_a_topic_that_exists_no_more_ends_for_those_who_hold_it() -> None:
    stage = Stage()
    reader = stage.join()
    stage.hold(reader, "quotes:1", "analysis:t1")
    families = type(stage.rules.families)(list(stage.rules.families)[:1])
    stage.hub.apply(replace(stage.rules, families=families))
    gone = [frame["topic"] for frame in reader.take() if frame["type"] == "unsubscribed"]
    assert len(gone) == 1
    assert len(stage.upstream.held) == 1
