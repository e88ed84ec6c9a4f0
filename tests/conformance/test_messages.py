"""Any valid message, cut at any bytes, arrives as it was sent; two messages never merge or split."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conformance import messages
from tests.conformance.corpus.client import Answer, parse_answers
from tests.conformance.corpus.player import recording
from tests.conformance.corpus.recorder import Recorder
from tests.conformance.lanes import CONFIGURATION
from tests.conformance.messages import Message, cut, is_ours
from tests.support.fleet import fleet
from tests.support.upstream import Peer, Received, ScriptedUpstream

BOUNDED = settings(
    max_examples=120,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    # A failing example takes seconds of waiting; shrinking it would take minutes. Add Phase.shrink to look into one.
    phases=[Phase.explicit, Phase.generate],
)
PAUSE_SECONDS = 0.001
"""Between two pieces, so that the other end reads them apart more often than not."""


@dataclass
class Bench:
    """One gateway in a process of its own, with two upstreams: one that records, one that says what it is told."""

    runner: asyncio.Runner
    recorder: Recorder
    scripted: ScriptedUpstream
    to_recorder: int
    to_scripted: int


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner.run(_start(runner, stack, tmp_path_factory.mktemp("bench")))
        runner.run(stack.aclose())


async def _start(runner: asyncio.Runner, stack: AsyncExitStack, folder: Path) -> Bench:
    recorder, port = await stack.enter_async_context(recording())
    scripted = await stack.enter_async_context(ScriptedUpstream())
    texts = [CONFIGURATION.format(port=number) for number in (port, scripted.port)]
    ports = await stack.enter_async_context(fleet(folder, texts))
    return Bench(runner, recorder, scripted, *ports)


async def _exchange(port: int, pieces: list[bytes], methods: list[bytes]) -> list[Answer]:
    """Send the pieces and read until every request has its final answer; returns the final answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data, deadline = b"", time.monotonic() + 5
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(PAUSE_SECONDS)
        while time.monotonic() < deadline:
            finals = [answer for answer in parse_answers(data, methods) if answer.is_final]
            if len(finals) >= len(methods) and all(map(_is_over, finals, methods)):
                break
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + 5):
                more = await reader.read(1 << 20)
            if not more:
                break
            data += more
    finally:
        writer.transport.abort()
    return [answer for answer in parse_answers(data, methods) if answer.is_final]


def _is_over(answer: Answer, method: bytes) -> bool:
    """Whether nothing more of this answer can come; one without a length ends with the connection."""
    is_bodiless = answer.status in {204, 304} or method == b"HEAD"
    is_framed = b"content-length" in answer.headers or b"transfer-encoding" in answer.headers
    return answer.is_complete and (is_bodiless or is_framed)


def _assert_forwarded(sent: list[Message], recorder: Recorder) -> None:
    received = recorder.requests
    assert [request.target for request in received] == [message.start[1] for message in sent]
    for request, message in zip(received, sent, strict=True):
        assert not request.lint, request.raw
        assert request.method == message.start[0]
        assert request.body == message.framing.body
        assert [pair for pair in request.headers if is_ours(pair[0])] == message.kept()
    assert not recorder.residue()


def _assert_answered(sent: list[Message], answers: list[Answer]) -> None:
    assert [answer.status for answer in answers] == [200] * len(sent)
    for message, answer in zip(sent, answers, strict=True):
        if message.start[0] != b"HEAD":
            seen = json.loads(answer.body)
            assert seen["p"].encode("latin1") == message.start[1]
            assert seen["n"] == len(message.framing.body)


def _forward(bench: Bench, sent: list[Message], pieces: list[bytes]) -> None:
    bench.recorder.requests.clear()
    answers = bench.runner.run(_exchange(bench.to_recorder, pieces, [message.start[0] for message in sent]))
    _assert_forwarded(sent, bench.recorder)
    _assert_answered(sent, answers)


@BOUNDED
@given(st.lists(messages.requests(), min_size=1, max_size=4), messages.cuts())
def test_pipelined_requests_cut_anywhere_arrive_as_sent_and_are_answered_in_order(
    bench: Bench, sent: list[Message], places: list[float]
) -> None:
    _forward(bench, sent, cut(b"".join(message.request() for message in sent), places))


@settings(BOUNDED, max_examples=30)
@given(messages.requests(messages.large), messages.cuts())
def test_large_requests_cut_anywhere_arrive_as_sent(bench: Bench, sent: Message, places: list[float]) -> None:
    _forward(bench, [sent], cut(sent.request(), places))


@settings(BOUNDED, max_examples=15)
@given(st.lists(messages.requests(), min_size=2, max_size=2))
def test_requests_sent_byte_by_byte_arrive_as_sent(bench: Bench, sent: list[Message]) -> None:
    data = b"".join(message.request() for message in sent)
    _forward(bench, sent, [data[at : at + 1] for at in range(len(data))])


@BOUNDED
@given(
    st.lists(
        st.booleans().flatmap(lambda to_head: st.tuples(st.just(to_head), messages.answers(to_head=to_head))),
        min_size=1,
        max_size=3,
    ),
    messages.cuts(),
)
def test_answers_cut_anywhere_arrive_as_sent_and_in_order(
    bench: Bench, planned: list[tuple[bool, Message]], places: list[float]
) -> None:
    async def script(received: Received, peer: Peer) -> bool:
        message = planned[int(received.line.split("/n")[1].split(" ")[0])][1]
        for piece in cut(message.answer(), places):
            await peer.send(piece)
            await asyncio.sleep(PAUSE_SECONDS)
        return message.framing.kind != "end"

    bench.scripted.script = script
    methods = [b"HEAD" if to_head else b"GET" for to_head, _ in planned]
    sent = b"".join(b"%s /n%d HTTP/1.1\r\nHost: a\r\n\r\n" % (method, number) for number, method in enumerate(methods))
    answers = bench.runner.run(_exchange(bench.to_scripted, [sent], methods))
    assert len(answers) == len(planned)
    for answer, (to_head, message) in zip(answers, planned, strict=True):
        assert answer.status == int(message.start[0])
        assert answer.is_complete
        assert answer.body == (b"" if to_head else message.framing.body)
        _assert_same_fields(answer, message)


def _assert_same_fields(answer: Answer, message: Message) -> None:
    expected: dict[bytes, list[bytes]] = {}
    for name, value in message.kept():
        expected.setdefault(name, []).append(value)
    assert {name: found for name, found in answer.headers.items() if is_ours(name)} == expected


@settings(BOUNDED, max_examples=250)
@given(
    st.lists(messages.requests(), min_size=1, max_size=2),
    st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from(["drop", "double", "insert"]), st.binary(min_size=1, max_size=2)),
        min_size=1,
        max_size=2,
    ),
)
def test_whatever_comes_what_goes_upstream_is_clean(
    bench: Bench, sent: list[Message], edits: list[tuple[float, str, bytes]]
) -> None:
    """Requests with a byte or two changed are refused or forwarded, but never passed on in a dirty shape."""
    data = b"".join(message.request() for message in sent)
    for place, edit, inserted in edits:
        at = round(place * (len(data) - 1))
        change = {"drop": b"", "double": data[at : at + 1] * 2, "insert": inserted + data[at : at + 1]}[edit]
        data = data[:at] + change + data[at + 1 :]
    bench.recorder.requests.clear()
    bench.runner.run(_send_and_end(bench.to_recorder, data))
    assert not [request.raw for request in bench.recorder.requests if request.lint]


async def _send_and_end(port: int, data: bytes) -> None:
    """Send and half-close; wait for the end, or a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(0.3):
            while await reader.read(65536):
                pass
    except OSError:
        pass
    finally:
        writer.transport.abort()
