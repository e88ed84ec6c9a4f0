"""The four phases, to the second, with the exact bytes of their headers."""

from datetime import UTC, datetime

import pytest

from gateway.config.snapshot import Snapshot
from gateway.policy.phase import Phase, Stand, at, stand

SUCCESSOR = "/api/v2/watchlist/600519"
DOCS = '<https://docs.example.com/migrate/watchlist>; rel="deprecation"'
WARNINGS = (
    ("Deprecation", "@1801353600"),
    ("Sunset", "Tue, 02 Mar 2027 00:00:00 GMT"),
    (
        "Link",
        f'<{SUCCESSOR}>; rel="successor-version", {DOCS}, <https://docs.example.com/sunset-policy>; rel="sunset"',
    ),
)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def standing(snapshot: Snapshot, text: str, consumer: str | None = "alice") -> Stand:
    deprecation = snapshot.migrations["watchlist"].deprecation
    assert deprecation is not None
    return stand(deprecation, moment(text), consumer, SUCCESSOR)


@pytest.mark.parametrize(
    ("when", "phase"),
    [
        ("2026-12-31T23:59:59", Phase.PARALLEL),
        ("2027-01-01T00:00:00", Phase.PARALLEL),
        ("2027-01-30T23:59:59", Phase.PARALLEL),
        ("2027-01-31T00:00:00", Phase.DEPRECATED),
        ("2027-03-01T23:59:59", Phase.DEPRECATED),
        ("2027-03-02T00:00:00", Phase.GONE),
        ("2027-03-31T23:59:59", Phase.GONE),
        ("2027-04-01T00:00:00", Phase.REMOVED),
    ],
)
def test_a_phase_begins_exactly_on_its_date(snapshot: Snapshot, when: str, phase: Phase) -> None:
    deprecation = snapshot.migrations["watchlist"].deprecation
    assert deprecation is not None
    assert at(deprecation, moment(when)) is phase


@pytest.mark.parametrize(
    ("when", "headers", "status"),
    [
        ("2026-12-31T23:59:59", (), None),
        ("2027-01-01T00:00:00", (("Link", DOCS),), None),
        ("2027-01-30T23:59:59", (("Link", DOCS),), None),
        ("2027-01-31T00:00:00", WARNINGS, None),
        ("2027-03-01T23:59:59", WARNINGS, None),
        ("2027-03-02T00:00:00", WARNINGS, 410),
        ("2027-03-31T23:59:59", WARNINGS, 410),
        ("2027-04-01T00:00:00", (("Link", f'<{SUCCESSOR}>; rel="successor-version"'),), 404),
    ],
)
def test_headers_and_status_at_every_boundary(
    snapshot: Snapshot, when: str, headers: tuple[tuple[str, str], ...], status: int | None
) -> None:
    found = standing(snapshot, when)
    assert found.headers == headers
    assert (found.problem.code if found.problem is not None else None) == status


@pytest.mark.parametrize(
    ("when", "retry_after"),
    [
        ("2027-02-10T08:59:59", None),
        ("2027-02-10T09:00:00", "3600"),
        ("2027-02-10T09:59:59.5", "1"),
        ("2027-02-10T10:00:00", None),
    ],
)
def test_a_brownout_refuses_inside_its_window_only(snapshot: Snapshot, when: str, retry_after: str | None) -> None:
    found = standing(snapshot, when)
    assert dict(found.headers).get("Retry-After") == retry_after
    assert (found.problem is not None and found.problem.type == "brownout") == (retry_after is not None)


@pytest.mark.parametrize(
    ("when", "consumer", "is_refused"),
    [
        ("2027-03-10T00:00:00", "acme", False),
        ("2027-03-10T00:00:00", "alice", True),
        ("2027-03-10T00:00:00", None, True),
        ("2027-03-14T23:59:59", "acme", False),
        ("2027-03-15T00:00:00", "acme", True),
        ("2027-04-02T00:00:00", "acme", True),
    ],
)
def test_an_extension_carries_one_consumer_to_its_date(
    snapshot: Snapshot, when: str, consumer: str | None, is_refused: bool
) -> None:
    assert (standing(snapshot, when, consumer).problem is not None) == is_refused


def test_a_path_cannot_end_its_link(snapshot: Snapshot) -> None:
    deprecation = snapshot.migrations["watchlist"].deprecation
    assert deprecation is not None
    successor = '/api/v2/watchlist/%41>; rel="next", <//evil'
    for when in ("2027-02-01", "2027-05-01"):
        link = dict(stand(deprecation, moment(when), None, successor).headers)["Link"]
        assert link.startswith('</api/v2/watchlist/%41%3E;%20rel=%22next%22,%20%3C//evil>; rel="successor-version"')


def test_gone_tells_machines_where_to_go(snapshot: Snapshot) -> None:
    problem = standing(snapshot, "2027-03-02T00:00:00").problem
    assert problem is not None
    assert problem.members == {
        "successor": SUCCESSOR,
        "sunset": "Tue, 02 Mar 2027 00:00:00 GMT",
        "docs": "https://docs.example.com/migrate/watchlist",
        "error": {
            "code": "ENDPOINT_DEPRECATED",
            "message": f"This endpoint is deprecated. Call {SUCCESSOR} instead.",
            "documentation": "https://docs.example.com/migrate/watchlist",
        },
    }
