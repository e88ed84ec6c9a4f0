"""The list of migrations for machines: by the live values, and kept by caches no longer than it is true."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.config.compile import compile_snapshot
from gateway.config.live import Live, LiveMigration
from gateway.config.load import load
from gateway.config.snapshot import Snapshot
from gateway.proxy.outline import Outlines, migrations, outline
from tests.support.client import ask
from tests.support.clock import FakeClock
from tests.support.gateway import migrating, running

DATED = """    deprecation:
      announced: 2026-12-01
      deprecated: +30d
      gone: +60d
      docs: https://docs.test/watchlist
      brownouts: [{at: 2027-01-10T09:00Z, for: 1h}]"""
LATER = 'successor: "POST /api/v2/watchlist", deprecation: {gone: 2027-06-01, docs: "https://docs.test/adding"}, '
PATH = "/.well-known/api-migrations"


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    path = tmp_path / "outline.yaml"
    path.write_text(configuration())
    return compile_snapshot(load(path, {}).config)


def configuration() -> str:
    text = migrating("http://127.0.0.1:1", "http://127.0.0.1:1", rest=DATED)
    return text.replace('successor: "POST /api/v2/watchlist", ', LATER)


def described(snapshot: Snapshot, when: str) -> Any:
    (found,) = migrations(snapshot, moment(when))
    return found


def test_every_endpoint_has_its_successor_its_phase_and_its_dates(snapshot: Snapshot) -> None:
    found = described(snapshot, "2027-01-01")
    calendar = {
        "phase": "deprecated",
        "dates": {
            "announced": "2026-12-01T00:00:00Z",
            "deprecated": "2026-12-31T00:00:00Z",
            "gone": "2027-01-30T00:00:00Z",
            "removed": None,
        },
        "brownouts": [{"start": "2027-01-10T09:00:00Z", "end": "2027-01-10T10:00:00Z"}],
        "docs": "https://docs.test/watchlist",
        "policy": None,
    }
    listing, adding = found.pop("endpoints")
    assert found == {"name": "watchlist", "title": "Watchlist", **calendar}
    assert listing == {
        "legacy": {"method": "GET", "path": "/api/favorites"},
        "successor": {"method": "GET", "path": "/api/v2/watchlist"},
        **calendar,
    }
    assert (adding["dates"]["gone"], adding["docs"]) == ("2027-06-01T00:00:00Z", "https://docs.test/adding")


def test_an_endpoint_with_dates_of_its_own_has_a_phase_of_its_own(snapshot: Snapshot) -> None:
    found = described(snapshot, "2027-02-01")
    assert [found["phase"], *(endpoint["phase"] for endpoint in found["endpoints"])] == ["gone", "gone", "deprecated"]


def test_a_cancelled_brownout_is_not_listed(snapshot: Snapshot) -> None:
    cancelled = LiveMigration(cancelled=frozenset({moment("2027-01-10T09:00")}))
    found = described(snapshot.turned(Live(1, {"watchlist": cancelled})), "2027-01-01")
    assert [found["brownouts"], *(endpoint["brownouts"] for endpoint in found["endpoints"])] == [[], [], []]


@pytest.mark.parametrize(
    ("when", "seconds"),
    [
        ("2026-12-01T00:00:00", 300),
        ("2026-12-30T23:58:20", 100),
        ("2026-12-30T23:59:59.5", 0),
        ("2026-12-31T00:00:00", 300),
        ("2027-01-29T23:59:58.9", 1),
        ("2027-05-31T23:59:00", 60),
        ("2027-06-01T00:00:00", 300),
    ],
)
def test_it_may_be_kept_until_the_next_phase_begins_and_never_longer(
    snapshot: Snapshot, when: str, seconds: int
) -> None:
    now = moment(when)
    assert outline(snapshot, now).max_age(now) == seconds


def test_it_is_made_anew_when_a_phase_or_the_rules_have_changed_or_the_clock_went_back(snapshot: Snapshot) -> None:
    outlines = Outlines()
    first = outlines.find(snapshot, moment("2026-12-30"))
    assert outlines.find(snapshot, moment("2026-12-30T23:59")) is first
    second = outlines.find(snapshot, moment("2026-12-31"))
    assert second.etag != first.etag
    assert outlines.find(snapshot, moment("2026-12-30")).etag == first.etag
    turned = snapshot.turned(Live(1, {"watchlist": LiveMigration(cancelled=frozenset({moment("2027-01-10T09:00")}))}))
    assert outlines.find(turned, moment("2026-12-30")).etag != first.etag


async def test_a_cache_can_ask_whether_its_copy_is_still_good(tmp_path: Path) -> None:
    clock = FakeClock(moment("2027-01-29T23:59"))
    async with running(tmp_path, configuration(), clock=clock) as gateway:
        whole = await ask(gateway.public_port, PATH)
        etag = whole.get("ETag")
        assert etag is not None
        same = await ask(gateway.public_port, PATH, fields={"If-None-Match": f'"other", W/{etag}'})
        to_head = await ask(gateway.public_port, PATH, "HEAD")
        clock.advance(60)
        changed = await ask(gateway.public_port, PATH, fields={"If-None-Match": etag})
    assert whole.get("Content-Type") == "application/json"
    assert whole.get("Cache-Control") == "public, max-age=60, must-revalidate"
    assert (same.status, same.body, same.get("ETag")) == (304, b"", etag)
    assert (to_head.status, to_head.body, to_head.get("ETag")) == (200, b"", etag)
    assert (changed.status, changed.json()["migrations"][0]["phase"]) == (200, "gone")
