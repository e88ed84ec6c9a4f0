"""Who waits longest is served first; leaving costs nobody their place."""

from gateway.upstream.queue import Queue
from tests.upstream.asker import Asker


async def test_waiters_are_served_in_the_order_they_came() -> None:
    queue, askers = Queue(), [Asker() for _ in range(4)]
    for asker in askers:
        queue.join(asker, 10, fresh=asker is askers[1])
    queue.leave(askers[0])
    queue.leave(askers[0])
    assert queue.wants_fresh()
    assert [queue.pop() for _ in range(len(queue))] == askers[1:]


async def test_patience_ends_for_those_who_came_first() -> None:
    queue, askers = Queue(), [Asker() for _ in range(3)]
    for number, asker in enumerate(askers):
        queue.join(asker, 10 + number, fresh=False)
    assert list(queue.pop_impatient(11.5)) == askers[:2]
    assert (len(queue), repr(queue)) == (1, "<Queue of 1>")
