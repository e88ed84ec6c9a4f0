"""The walk of prices: a function of its arguments, in every process."""

import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from backends.domain.walk import SESSION_TICKS, Start, Walk, quote_at

ROOT = Path(__file__).parents[3]
MAOTAI = Start("600519", 1500.0, 4_000_000)
PENNY = Start("000725", 0.02, 100)
TICK = 1_790_000_123
ELSEWHERE = f"""
from backends.domain.walk import Start, quote_at
print(quote_at(7, Start("600519", 1500.0, 4_000_000), {TICK}))
"""


def test_another_process_gets_the_same_price_at_the_same_tick() -> None:
    answer = subprocess.run([sys.executable, "-c", ELSEWHERE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == str(quote_at(7, MAOTAI, TICK))


@given(first=st.integers(0, 3 * SESSION_TICKS), second=st.integers(0, 3 * SESSION_TICKS))
def test_the_way_to_a_tick_does_not_matter(first: int, second: int) -> None:
    walk = Walk(7, MAOTAI)
    assert (walk.at(first), walk.at(second)) == (quote_at(7, MAOTAI, first), quote_at(7, MAOTAI, second))


@given(tick=st.integers(0, 3 * SESSION_TICKS), start=st.sampled_from([MAOTAI, PENNY]))
def test_a_price_lies_between_low_and_high_and_near_the_previous_close(tick: int, start: Start) -> None:
    position = quote_at(7, start, tick)
    assert 0 < position.low <= min(position.open, position.price)
    assert position.high >= max(position.open, position.price)
    assert abs(position.price / start.prev_close - 1) < 0.1 or start is PENNY
    assert tick - position.moved_at < SESSION_TICKS
    assert position.moved_at <= tick


def test_within_a_session_volume_and_high_never_fall_and_low_never_rises() -> None:
    walk = Walk(7, MAOTAI)
    before = walk.at(0)
    for tick in range(1, SESSION_TICKS):
        now = walk.at(tick)
        assert (now.volume >= before.volume, now.high >= before.high, now.low <= before.low) == (True, True, True)
        before = now


def test_about_half_of_the_ticks_move_a_stock() -> None:
    walk = Walk(7, MAOTAI)
    moves = sum(walk.at(tick).moved_at == tick for tick in range(SESSION_TICKS))
    assert 0.4 * SESSION_TICKS < moves < 0.6 * SESSION_TICKS


def test_seed_and_stock_make_different_walks() -> None:
    other_stock = Start("600036", 1500.0, 4_000_000)
    prices = {quote_at(7, MAOTAI, TICK), quote_at(8, MAOTAI, TICK), quote_at(7, other_stock, TICK)}
    assert len(prices) == 3
