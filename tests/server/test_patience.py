"""What fails again and again is tried less and less often."""

from gateway.server.patience import LONGEST_SECONDS, Patience


def test_the_first_attempt_does_not_wait() -> None:
    assert Patience().seconds == 0


def test_each_failure_doubles_the_wait_up_to_a_bound() -> None:
    patience = Patience()
    waits = []
    for _ in range(8):
        patience.note_failure()
        waits.append(patience.seconds)
    assert waits == [0.25, 0.5, 1, 2, 4, 8, LONGEST_SECONDS, LONGEST_SECONDS]


def test_a_success_begins_anew() -> None:
    patience = Patience()
    for _ in range(10_000):
        patience.note_failure()
    assert patience.seconds == LONGEST_SECONDS
    patience.note_success()
    assert patience.seconds == 0
