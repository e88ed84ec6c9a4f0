"""The store's contract, held by both drivers: the embedded file and MongoDB over a real wire."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from backends.domain.store import Store, open_store


@pytest.fixture(params=["sqlite", "mongo"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    opened = open_store(request.getfixturevalue(f"{request.param}_url"))
    await opened.prepare()
    yield opened
    await opened.close()


async def _fill(store: Store) -> None:
    await store.insert_many(
        "news",
        [
            {"_id": "a", "title": "one", "rank": 3, "symbols": ["600519", "000001"], "seen": None},
            {"_id": "b", "title": "two", "rank": 1, "symbols": ["000001"], "seen": "2026-01-02"},
            {"_id": "c", "title": "two", "rank": 2, "symbols": [], "seen": "2026-01-03"},
        ],
    )


def _keys(documents: list[dict[str, object]]) -> list[object]:
    return [document["_id"] for document in documents]


async def test_a_document_comes_back_as_it_was_inserted(store: Store) -> None:
    document = {"_id": "x", "text": "贵州茅台 \" ' \\", "nested": {"list": [1, 2.5, None, True]}, "none": None}
    assert await store.insert("config", document)
    assert await store.get("config", "x") == document


async def test_an_unknown_key_gives_nothing(store: Store) -> None:
    assert await store.get("users", "nobody") is None


async def test_inserting_an_existing_key_changes_nothing(store: Store) -> None:
    await store.insert("config", {"_id": "x", "value": 1})
    assert not await store.insert("config", {"_id": "x", "value": 2})
    assert await store.get("config", "x") == {"_id": "x", "value": 1}


async def test_inserting_many_skips_existing_keys_and_counts_the_new_ones(store: Store) -> None:
    await store.insert("config", {"_id": "b", "value": "old"})
    assert await store.insert_many("config", [{"_id": key, "value": "new"} for key in "abc"]) == 2
    assert (await store.get("config", "b") or {})["value"] == "old"
    assert await store.insert_many("config", []) == 0


async def test_inserting_does_not_keep_the_callers_document(store: Store) -> None:
    document = {"_id": "x", "value": 1}
    await store.insert("config", document)
    document["value"] = 2
    assert (await store.get("config", "x") or {})["value"] == 1


async def test_filters_by_equality_membership_range_and_contents(store: Store) -> None:
    await _fill(store)
    by_rank = [("rank", 1)]
    assert _keys(await store.find("news", {"title": "two"}, sort=by_rank)) == ["b", "c"]
    assert _keys(await store.find("news", {"_id": {"$in": ["a", "c", "z"]}}, sort=by_rank)) == ["c", "a"]
    assert _keys(await store.find("news", {"title": {"$in": []}})) == []
    assert _keys(await store.find("news", {"rank": {"$gte": 2}}, sort=by_rank)) == ["c", "a"]
    assert _keys(await store.find("news", {"rank": {"$gte": 2, "$lte": 2}})) == ["c"]
    assert _keys(await store.find("news", {"symbols": {"$contains": "000001"}}, sort=by_rank)) == ["b", "a"]
    assert _keys(await store.find("news", {"seen": None})) == ["a"]
    assert _keys(await store.find("news", {"absent": None}, sort=by_rank)) == ["b", "c", "a"]
    assert _keys(await store.find("news", {"seen": {"$lte": "2026-01-02"}})) == ["b"]


async def test_sorts_by_several_fields_and_cuts_pages(store: Store) -> None:
    await _fill(store)
    order = [("title", -1), ("rank", -1)]
    assert _keys(await store.find("news", sort=order)) == ["c", "b", "a"]
    assert _keys(await store.find("news", sort=order, skip=1, limit=1)) == ["b"]
    assert _keys(await store.find("news", sort=order, skip=5)) == []


async def test_counts_all_or_matching_documents(store: Store) -> None:
    await _fill(store)
    assert await store.count("news") == 3
    assert await store.count("news", {"title": "two"}) == 2


async def test_an_update_sets_fields_of_the_first_match_and_returns_the_document_after_it(store: Store) -> None:
    await _fill(store)
    changed = await store.update("news", {"title": "two"}, {"title": "three", "extra": [1]}, sort=[("rank", -1)])
    assert changed == {
        "_id": "c", "title": "three", "rank": 2, "symbols": [], "seen": "2026-01-03", "extra": [1]
    }  # fmt: skip
    assert await store.get("news", "c") == changed
    assert await store.count("news", {"title": "two"}) == 1


async def test_an_update_without_a_match_changes_nothing(store: Store) -> None:
    await _fill(store)
    assert await store.update("news", {"_id": "a", "rank": 99}, {"title": "lost"}) is None
    assert await store.count("news", {"title": "lost"}) == 0


async def test_only_one_of_many_concurrent_compare_and_sets_wins(store: Store) -> None:
    await store.insert("queue_tasks", {"_id": "t", "status": "pending"})
    claims = [
        store.update("queue_tasks", {"_id": "t", "status": "pending"}, {"status": "running", "worker": worker})
        for worker in range(8)
    ]
    winners = [answer for answer in await asyncio.gather(*claims) if answer is not None]
    assert len(winners) == 1
    assert await store.get("queue_tasks", "t") == winners[0]


async def test_a_delete_removes_the_key_once_and_only_if_it_matches(store: Store) -> None:
    await _fill(store)
    assert not await store.delete("news", "a", {"title": "two"})
    assert await store.delete("news", "a", {"title": "one"})
    assert not await store.delete("news", "a")
    assert await store.count("news") == 2


async def test_preparing_and_closing_may_be_repeated(store: Store) -> None:
    await store.prepare()
    await store.close()
    await store.close()


async def test_other_urls_are_refused() -> None:
    with pytest.raises(ValueError, match="sqlite"):
        open_store("postgres://localhost/x")
