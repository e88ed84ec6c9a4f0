"""The demo's status line."""

from gateway.cli.demo.tally import Tally


def squeezed(line: str) -> str:
    """The line with single blanks: its numbers are padded."""
    return " ".join(line.split())


def test_the_line_has_rate_shares_errors_and_quantiles() -> None:
    tally = Tally()
    for number in range(1, 101):
        tally.answered(200, "v1" if number <= 80 else "v2", number / 1000)
    tally.open_streams = 2

    assert squeezed(tally.line(2.0)) == "50 req/s v1 80 % v2 20 % errors 0 p50 50 ms p95 95 ms streams 2"


def test_only_faults_and_refusals_are_errors() -> None:
    tally = Tally()
    for status in (200, 404, 400, 500, 502, 401, 429):
        tally.answered(status, None, 0.001)
    tally.failed()

    assert "errors 5" in tally.line(1.0)


def test_a_line_begins_anew() -> None:
    tally = Tally()
    tally.answered(500, "v2", 1.0)
    tally.held_back, tally.late = 3, 0.5
    first = tally.line(1.0)

    assert "held back 3" in first
    assert "late by 500 ms" in first
    assert squeezed(tally.line(1.0)) == "0 req/s v1 0 % v2 0 % errors 0 p50 - p95 - streams 0"
