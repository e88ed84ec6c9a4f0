"""Tallies that are added up as integers."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.control.figures import BUCKETS, Tally, total

COUNTS = st.integers(0, 10**9)
TALLIES = st.builds(
    lambda requests, failures, buckets: Tally(requests, min(failures, requests), tuple(buckets)),
    COUNTS,
    COUNTS,
    st.lists(COUNTS, min_size=BUCKETS, max_size=BUCKETS),
)


@given(TALLIES)
def test_a_packed_tally_is_the_same_tally(one: Tally) -> None:
    assert Tally.unpack(one.packed) == one


@given(st.lists(TALLIES, max_size=20))
def test_adding_packed_tallies_adds_each_number(several: list[Tally]) -> None:
    found = total(several)

    assert found.requests == sum(one.requests for one in several)
    assert found.failures == sum(one.failures for one in several)
    assert found.buckets == tuple(sum(one.buckets[at] for one in several) for at in range(BUCKETS))


def test_failures_are_never_more_than_requests() -> None:
    assert Tally.unpack(Tally(3, 5).packed).failure_percent == 100


def test_without_requests_nothing_fails() -> None:
    assert Tally().failure_percent == 0
