"""A stated share of callers is served by v2, always the same ones."""

from gateway.policy.cohort import bucket

from .conftest import System


async def test_each_caller_is_where_the_published_bucket_puts_them(system: System) -> None:
    for number in range(150):
        subject = f"caller-{number}"
        answer = await system.at_ten.call("GET", "/api/favorites", user=subject)
        expected = "v2" if bucket(b"tacn", subject) < 10_000 else "v1"
        assert (answer.status, answer.headers["x-served-by"]) == (200, expected), subject


async def test_the_beta_plan_is_pinned_to_the_successor_at_0_percent(system: System) -> None:
    assert (await system.at_zero.call("GET", "/api/favorites", user="carol")).headers["x-served-by"] == "v2"


async def test_a_header_keeps_a_caller_on_legacy_at_100_percent(system: System) -> None:
    pinned = await system.at_hundred.call("GET", "/api/favorites", user="bob", headers={"X-Api-Track": "legacy"})
    assert pinned.headers["x-served-by"] == "v1"
