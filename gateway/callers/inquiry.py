"""Who is asked for what: every need of a decision goes to whoever can fulfil it."""

from collections.abc import Callable
from typing import Protocol, assert_never

from gateway.policy.decide import Memory
from gateway.policy.decision import Need, NeedCount, NeedKeys

type Cancel = Callable[[], None]
type Answered = Callable[[Memory], None]


class Source[N](Protocol):
    """Fulfils one kind of need, as `proxy.pending.Fulfiller` promises it."""

    def ask(self, need: N, memory: Memory, answered: Answered) -> Cancel:
        """Have the need fulfilled, and call `answered` once, later."""
        ...


class Nobody:
    """Stands where no decision ever needs anything: without a Redis, say, counting is done in process."""

    def ask(self, need: Need, memory: Memory, answered: Answered) -> Cancel:
        """Refuse: what cannot come up must not wait in silence."""
        raise LookupError(f"nobody can be asked for {need!r}")


class Inquiry:
    """Passes each need on to the source for its kind. It holds nothing itself."""

    def __init__(self, keys: Source[NeedKeys], counts: Source[NeedCount]) -> None:
        self._keys = keys
        self._counts = counts

    def __repr__(self) -> str:
        return f"<Inquiry {self._keys!r}, {self._counts!r}>"

    def ask(self, need: Need, memory: Memory, answered: Answered) -> Cancel:
        """Have a need fulfilled; see `proxy.pending.Fulfiller`."""
        match need:
            case NeedKeys():
                return self._keys.ask(need, memory, answered)
            case NeedCount():
                return self._counts.ask(need, memory, answered)
            case _:
                assert_never(need)
