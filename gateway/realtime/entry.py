"""One command to subscribe, from its arrival to its answer."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gateway.realtime.port import Code, Held, Outcome, Position
from gateway.realtime.topic import Topic

if TYPE_CHECKING:
    from gateway.realtime.member import Member


class Entry:
    """Owns one command: the topics it named, as the client wrote them, and those it waits for.

    `deadline` (monotonic seconds) is when it will have waited for long enough.
    """

    __slots__ = ("_answer", "deadline", "member", "rejected", "since", "topics", "waiting")

    def __init__(self, member: "Member", answer: Callable[[Outcome], None], deadline: float) -> None:
        self._answer = answer
        self.member = member
        self.deadline = deadline
        self.topics: dict[str, Topic] = {}
        self.since: dict[str, Position | None] = {}
        self.rejected: dict[str, Code] = {}
        self.waiting: dict[Topic, None] = {}

    def __repr__(self) -> str:
        return f"<Entry of {self.member}: {len(self.waiting)} of {len(self.topics)} topics not answered>"

    def add(self, text: str, topic: Topic, since: Position | None) -> None:
        """Take a topic in."""
        self.topics[text] = topic
        self.since[text] = since
        topic.entries[self] = None

    def reject(self, topic: Topic, code: Code) -> None:
        """Let a topic go again, under every name it was given."""
        for text in [text for text, found in self.topics.items() if found is topic]:
            del self.topics[text]
            self.rejected[text] = code
        self.waiting.pop(topic, None)
        topic.entries.pop(self, None)

    def part(self) -> None:
        """Hold on to no topic any more."""
        for topic in self.topics.values():
            topic.entries.pop(self, None)

    def answer(self, held: Mapping[str, Held]) -> None:
        """Tell the subscriber what became of its wishes."""
        self._answer(Outcome(held, self.rejected))
