"""What was said in one topic: its newest messages, within a number and an age."""

from collections import deque
from dataclasses import dataclass
from itertools import islice

from gateway.realtime.port import Dialect


class Message:
    """One message of a topic, as everybody gets it. Read-only, but for the frames that are made of it.

    `ts` is in Unix milliseconds, `at` in monotonic seconds; `kind` is its type in the upstream's dialect, `data` JSON.
    A frame is made once for each dialect that somebody reads, and kept with the message.
    """

    __slots__ = ("at", "data", "frames", "kind", "offset", "ts")

    def __init__(self, offset: int, kind: str, data: bytes, ts: int, at: float) -> None:
        self.offset = offset
        self.kind = kind
        self.data = data
        self.ts = ts
        self.at = at
        self.frames: dict[Dialect, bytes] = {}

    def __repr__(self) -> str:
        return f"<Message {self.offset} {self.kind}>"


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of a topic is kept: messages, and seconds."""

    messages: int = 100
    seconds: float = 300.0


class History:
    """Owns the newest messages of one topic in one epoch; their offsets follow each other without a gap.

    The very newest stays whatever its age: it is what a topic of the mode `latest` says at once.
    """

    __slots__ = ("_kept", "newest")

    def __init__(self, keep: Keep) -> None:
        self._kept: deque[Message] = deque(maxlen=keep.messages)
        self.newest: Message | None = None

    def __repr__(self) -> str:
        return f"<History {len(self._kept)} messages, newest {self.newest}>"

    def __len__(self) -> int:
        return len(self._kept)

    def append(self, message: Message) -> None:
        """Keep a message, in place of the oldest if there are too many."""
        self._kept.append(message)
        self.newest = message

    def expire(self, before: float) -> None:
        """Drop what was said before a moment (monotonic seconds)."""
        kept = self._kept
        while kept and kept[0].at < before:
            kept.popleft()

    def after(self, offset: int) -> list[Message] | None:
        """Return every message after this offset; None when not all of them are kept any more."""
        last = self.newest.offset if self.newest is not None else offset
        if offset == last:
            return []
        if not self._kept or not self._kept[0].offset - 1 <= offset < last:
            return None
        return list(islice(self._kept, offset + 1 - self._kept[0].offset, None))
