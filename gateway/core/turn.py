"""What arrives in one turn of the event loop is worked off together, step by step."""

import asyncio
from collections.abc import Callable
from typing import Final

LONG: Final = 64 * 1024
"""Bytes that came in one read. So many more may follow in the same turn that they are not held until it ends: what
follows would be added to them read by read, and all of it copied each time."""


def call_soon(work: Callable[[], None]) -> None:
    """Have the running loop do it when it has read all sockets that have something to read."""
    asyncio.get_running_loop().call_soon(work)


class Turn[T]:
    """Collects what arrives while the loop reads its sockets, and hands all of it over when it has read them.

    A step taken for many in a row finds its code in the processor's caches, where whole requests one after the other
    push each other's out: under load that saves a quarter of what a request costs (docs/performance.md). Nothing waits
    for company: what comes alone is handed over alone, before the loop looks at its sockets again.
    """

    __slots__ = ("_items", "_soon", "_work")

    def __init__(
        self, work: Callable[[list[T]], None], soon: Callable[[Callable[[], None]], object] = call_soon
    ) -> None:
        self._work = work
        self._soon = soon
        self._items: list[T] = []

    def __repr__(self) -> str:
        return f"<Turn {len(self._items)} waiting>"

    def add(self, item: T) -> None:
        """Note what has arrived."""
        if not self._items:
            self._soon(self.end)
        self._items.append(item)

    def end(self) -> None:
        """Hand over what has arrived up to now."""
        items, self._items = self._items, []
        if items:
            self._work(items)
