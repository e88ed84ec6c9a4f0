"""The lease is compared and set as one."""

import asyncio

from gateway.control.store.opening import open_store
from gateway.control.store.port import Lease, Store

ONE, TWO = Lease("one", 1, 1), Lease("two", 1, 1)


async def test_nobody_leads_an_empty_store(store: Store) -> None:
    assert await store.lease("controller") is None


async def test_what_was_seen_is_replaced(store: Store) -> None:
    later = Lease("one", 1, 2)

    assert await store.swap_lease("controller", None, ONE)
    assert await store.lease("controller") == ONE
    assert await store.swap_lease("controller", ONE, later)
    assert await store.lease("controller") == later
    assert await store.lease("another") is None


async def test_what_has_changed_since_is_left_alone(store: Store) -> None:
    await store.swap_lease("controller", None, ONE)

    assert not await store.swap_lease("controller", None, TWO)
    assert not await store.swap_lease("controller", Lease("one", 1, 0), TWO)
    assert not await store.swap_lease("controller", Lease("one", 2, 1), TWO)
    assert not await store.swap_lease("controller", Lease("who", 1, 1), TWO)
    assert not await store.swap_lease("another", ONE, TWO)
    assert await store.lease("controller") == ONE
    assert await store.lease("another") is None


async def test_a_swap_whose_reply_was_lost_may_be_repeated(store: Store) -> None:
    later = Lease("one", 1, 2)
    for _ in range(2):
        assert await store.swap_lease("controller", None, ONE)
    for _ in range(2):
        assert await store.swap_lease("controller", ONE, later)


async def test_of_many_one_wins(store_url: str) -> None:
    stores = [open_store(store_url) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    seen: Lease | None = None
    for fence in range(1, 6):
        wanted = [Lease(f"holder-{number}", fence, 1) for number in range(len(stores))]
        won = await asyncio.gather(
            *(store.swap_lease("controller", seen, lease) for store, lease in zip(stores, wanted, strict=True))
        )
        assert sum(won) == 1
        seen = await stores[0].lease("controller")
        assert seen == wanted[won.index(True)]
    for store in stores:
        await store.close()
