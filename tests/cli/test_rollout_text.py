"""One rollout, as people read it on a terminal."""

import pytest

from gateway.cli.rollout.text import print_rollout

ROLLOUT = {
    "migration": "watchlist",
    "state": "holding",
    "percent": 5.0,
    "step": 2,
    "steps": [1.0, 5.0, 25.0],
    "since": "2026-12-01T08:00:00Z",
    "attempts": 0,
    "failing_intervals": 0,
    "cooldown_until": None,
    "file_percent": 5.0,
    "differs": False,
    "confirm": 20.0,
    "verdict": None,
    "window": {},
    "last_event": None,
}


def test_a_rollout_that_goes_well_is_told_in_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_rollout(ROLLOUT)

    shown = capsys.readouterr().out
    assert "watchlist: 5 %, holding" in shown
    assert "step 2/3: 1 %, 5 %, 25 %" in shown
    assert not any(word in shown for word in ("in a row", "steps back", "waits until", "differs"))


def test_what_went_wrong_and_what_is_waited_for_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    print_rollout(
        ROLLOUT
        | {"attempts": 2, "failing_intervals": 1, "cooldown_until": "2026-12-01T09:00:00Z", "file_percent": 25.0}
    )

    shown = capsys.readouterr().out
    assert "failing intervals in a row: 1" in shown
    assert "automatic steps back since a person last decided: 2" in shown
    assert "the ramp waits until 2026-12-01T09:00:00Z" in shown
