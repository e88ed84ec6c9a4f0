"""What is remembered of whom, and what it takes to be forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.arrivals import ROOM, Arrivals

NOW = 1_000.0


def test_a_key_whose_time_has_passed_gives_its_place_to_a_newcomer() -> None:
    table = Arrivals(capacity=10 * ROOM)
    for number in range(5 * ROOM):
        table.put(f"key-{number}", NOW + number + 0.5, NOW + number)
    assert len(table) <= ROOM + 1


def test_who_comes_again_finds_his_place_while_there_is_room() -> None:
    table = Arrivals(capacity=10 * ROOM)
    for number in range(ROOM):
        table.put(f"key-{number}", NOW + number + 0.5, NOW + number)
    assert "key-0" in table.times


def test_a_full_table_forgets_the_lightest_it_meets() -> None:
    table = Arrivals(capacity=8)
    for number in range(8):
        table.put(f"key-{number}", NOW + 10 + number, NOW)
    table.put("newcomer", NOW + 1, NOW)
    assert "key-0" not in table.times
    assert len(table) == 8


def test_who_owes_much_is_not_washed_out_by_a_million_requests_of_invented_keys() -> None:
    table = Arrivals(capacity=512)
    for number in range(32):
        table.put(f"user-{number}", NOW + 50, NOW)
    for number in range(100_000):
        table.put(f"invented-{number}", NOW + 1, NOW)
    assert sum(f"user-{number}" in table.times for number in range(32)) >= 28  # eight side by side may lose one


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 5), st.floats(0, 3)), max_size=300))
def test_it_never_holds_more_than_its_capacity_nor_loses_count(steps: list[tuple[int, float, float]]) -> None:
    table, now = Arrivals(capacity=16), NOW
    for key, ahead, gap in steps:
        now += gap
        table.put(str(key), now + ahead, now)
        assert table.times[str(key)] == now + ahead
        assert len(table) == len(set(table._places)) <= 16
        assert set(table._places) == set(table.times)
