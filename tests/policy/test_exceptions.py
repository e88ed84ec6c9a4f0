"""Endpoints with dates of their own beside their migration's."""

from datetime import UTC, datetime

import pytest

from gateway.config.deprecation import Deprecation
from gateway.config.live import Live, LiveMigration
from gateway.config.snapshot import Snapshot
from gateway.core.http import RequestHead
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Forward, Refuse

from .conftest import Compile, token

OWN = 'successor: "POST /api/v2/watchlist", adapt: add'
LISTING, ADDING = ("GET", "/api/favorites"), ("POST", "/api/favorites")


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.fixture
def snapshot(compiled: Compile) -> Snapshot:
    return compiled((OWN, f"{OWN}, deprecation: {{gone: +80d, removed: 2027-05-01, policy: null}}"))


def answer(
    snapshot: Snapshot, line: tuple[str, str], when: str, memory: Memory | None = None, **claims: object
) -> tuple[str, int | None]:
    now = moment(when)
    bearer = ("Authorization", f"Bearer {token(now, **claims)}")
    decision = decide(RequestHead.of(*line, [bearer]), snapshot, now, memory or Memory.fresh())
    if isinstance(decision, Refuse):
        return decision.reason, decision.problem.code
    assert isinstance(decision, Forward)
    return str(decision.phase), None


def exception(snapshot: Snapshot) -> Deprecation:
    (own,) = snapshot.migrations["watchlist"].exceptions.values()
    return own


@pytest.mark.parametrize(
    ("when", "listing", "adding"),
    [
        ("2027-02-01", ("deprecated", None), ("deprecated", None)),
        ("2027-02-10T09:30", ("phase:deprecated", 410), ("phase:deprecated", 410)),
        ("2027-03-02", ("phase:gone", 410), ("deprecated", None)),
        ("2027-03-21T23:59:59", ("phase:gone", 410), ("deprecated", None)),
        ("2027-03-22", ("phase:gone", 410), ("phase:gone", 410)),
        ("2027-04-01", ("phase:removed", 404), ("phase:gone", 410)),
        ("2027-05-01", ("phase:removed", 404), ("phase:removed", 404)),
    ],
)
def test_an_endpoint_ends_on_its_own_dates_and_the_others_on_the_migrations(
    snapshot: Snapshot, when: str, listing: tuple[str, int | None], adding: tuple[str, int | None]
) -> None:
    assert (answer(snapshot, LISTING, when), answer(snapshot, ADDING, when)) == (listing, adding)


def test_what_is_not_set_is_the_migrations_and_null_takes_it_away(snapshot: Snapshot) -> None:
    own, common = exception(snapshot), snapshot.migrations["watchlist"].deprecation
    assert common is not None
    assert (own.announced, own.deprecated, own.docs) == (common.announced, common.deprecated, common.docs)
    assert (own.brownouts, own.extensions, own.rehearsal) == (common.brownouts, common.extensions, True)
    assert own.policy is None


def test_a_relative_date_counts_from_the_endpoints_own_announcement(compiled: Compile) -> None:
    own = exception(compiled((OWN, f"{OWN}, deprecation: {{announced: 2027-02-01, brownouts: []}}")))
    assert (own.deprecated, own.gone) == (moment("2027-03-03"), moment("2027-04-02"))
    assert own.brownouts == ()


def test_live_values_hold_for_endpoints_with_dates_of_their_own(snapshot: Snapshot) -> None:
    live = LiveMigration(
        extensions={"bob": moment("2027-04-10")},
        withdrawn=frozenset({"acme"}),
        cancelled=frozenset({moment("2027-02-10T09:00")}),
    )
    turned = snapshot.turned(Live(1, {"watchlist": live}))
    assert answer(turned, ADDING, "2027-02-10T09:30") == ("deprecated", None)
    assert answer(turned, ADDING, "2027-04-09", sub="bob") == ("gone", None)
    assert answer(turned, ADDING, "2027-04-10", sub="bob") == ("phase:gone", 410)
    assert answer(turned, ADDING, "2027-03-23", client_id="acme") == ("phase:gone", 410)
    assert exception(turned.turned(Live(2, {}))) == exception(snapshot)


def test_live_values_that_change_no_date_leave_what_paths_remember(snapshot: Snapshot) -> None:
    moved = snapshot.turned(Live(1, {"watchlist": LiveMigration(percent=70)}))
    assert exception(moved) is exception(snapshot)
    assert moved.migrations["watchlist"].deprecation is snapshot.migrations["watchlist"].deprecation
