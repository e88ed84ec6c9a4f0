"""What arrives in one turn of the loop, worked off together."""

import asyncio

from gateway.core.turn import Turn


async def test_what_arrives_in_one_turn_is_handed_over_together() -> None:
    handed: list[list[int]] = []
    turn = Turn(handed.append)
    for number in range(3):
        turn.add(number)
    assert handed == []
    await asyncio.sleep(0)
    turn.add(3)
    await asyncio.sleep(0)
    assert handed == [[0, 1, 2], [3]]


async def test_what_was_handed_over_early_is_not_handed_over_again() -> None:
    handed: list[list[int]] = []
    turn = Turn(handed.append)
    turn.add(0)
    turn.end()
    turn.end()
    await asyncio.sleep(0)
    assert handed == [[0]]
    assert repr(turn) == "<Turn 0 waiting>"


async def test_what_the_work_itself_brings_is_handed_over_next_time() -> None:
    handed: list[list[int]] = []

    def work(numbers: list[int]) -> None:
        handed.append(numbers)
        if numbers[0] < 2:
            turn.add(numbers[0] + 1)

    turn = Turn(work)
    turn.add(0)
    for _ in range(3):
        await asyncio.sleep(0)
    assert handed == [[0], [1], [2]]
