"""Who will be refused and when, by the same rules as requests; and what the store's totals are made of it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config.compile import compile_snapshot
from gateway.config.live import Live, LiveMigration
from gateway.config.snapshot import Snapshot
from gateway.control.audience import Audience
from gateway.control.outlook import Turn, outlook
from gateway.control.store.opening import open_store
from gateway.control.trend import Course
from gateway.control.usage import Batch, Total
from gateway.core.http import RequestHead, iso_time
from gateway.observability.use import OTHERS
from gateway.policy.auth import GivenClaims
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Refuse
from tests.config.sample import load_text
from tests.control.store.nouns import usage
from tests.support.clock import FakeClock

LISTING, ADDING = "GET /api/favorites", "POST /api/favorites"
AREA = """
version: 1
upstreams: {v1: {endpoints: ["http://127.0.0.1:1"]}, v2: {endpoints: ["http://127.0.0.1:2"]}}
auth:
  jwt: {keys: [{alg: HS256, secret: a secret for tests that is long enough for HS256}]}
  consumer: [claim:sub]
migrations:
  watchlist:
    legacy: v1
    successor: v2
    endpoints:
      - {legacy: "GET /api/favorites", successor: "GET /api/v2/watchlist"}
      - {legacy: "POST /api/favorites", successor: "POST /api/v2/watchlist", deprecation: {gone: 2027-03-20}}
    deprecation:
      announced: 2027-01-01
      deprecated: +30d
      gone: +60d
      removed: +90d
      brownouts: [{at: 2027-02-10T09:00Z, for: 1h}]
      extensions: [{consumer: acme, until: 2027-03-15}]
"""


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return compile_snapshot(load_text(tmp_path, AREA).config)


def total(consumer: str, **endpoints: int) -> Total:
    counts = {{"listing": LISTING, "adding": ADDING}[name]: count for name, count in endpoints.items()}
    requests = sum(counts.values())
    return Total("watchlist", consumer, requests, 0, 0, 0, 0, 0.0, 1.0, counts, {20_000: requests})


TOTALS = {
    "watchlist": [total("acme", listing=700), total("bob", listing=70, adding=7), total("eve", adding=14)],
}


def told(turns: list[Turn]) -> list[tuple[str, str, list[str]]]:
    return [(iso_time(turn.at), turn.answer, [hit.consumer for hit in turn.hits]) for turn in turns]


def test_every_coming_change_names_whom_it_hits(snapshot: Snapshot) -> None:
    turns = outlook(snapshot, TOTALS, 7.0, moment("2027-01-05"))
    assert told(turns) == [
        ("2027-01-31T00:00:00Z", "normally, with warning headers", ["acme", "bob", "eve"]),
        ("2027-02-10T09:00:00Z", "410 brownout", ["acme", "bob", "eve"]),
        ("2027-03-02T00:00:00Z", "410 api-version-gone", ["bob"]),
        ("2027-03-15T00:00:00Z", "410 api-version-gone", ["acme"]),
        ("2027-03-20T00:00:00Z", "410 api-version-gone", ["eve", "bob"]),
        ("2027-04-01T00:00:00Z", "404 api-version-removed", ["acme", "bob", "eve"]),
    ]
    assert [turn.status for turn in turns] == [None, 410, 410, 410, 410, 404]
    assert [round(turn.requests, 3) for turn in turns] == [113.0, 113.0, 10.0, 100.0, 3.0, 113.0]
    assert turns[1].until == moment("2027-02-10T10:00")
    assert turns[2].hits[0].endpoints == (LISTING,)


def test_with_a_date_it_says_what_will_have_changed_by_then(snapshot: Snapshot) -> None:
    turns = outlook(snapshot, TOTALS, 7.0, moment("2027-01-05"), moment("2027-03-16"))
    assert told(turns) == [
        ("2027-03-16T00:00:00Z", "410 api-version-gone", ["acme", "bob"]),
        ("2027-03-16T00:00:00Z", "normally, with warning headers", ["eve", "bob"]),
    ]


def test_live_values_change_it(snapshot: Snapshot) -> None:
    live = LiveMigration(extensions={"bob": moment("2027-03-25")}, cancelled=frozenset({moment("2027-02-10T09:00")}))
    turns = told(outlook(snapshot.turned(Live(1, {"watchlist": live})), TOTALS, 7.0, moment("2027-02-01")))
    assert [answer for _, answer, _ in turns].count("410 brownout") == 0
    assert ("2027-03-02T00:00:00Z", "410 api-version-gone", []) in turns
    assert ("2027-03-25T00:00:00Z", "410 api-version-gone", ["bob"]) in turns


def test_callers_without_a_name_are_counted_but_are_no_consumers(snapshot: Snapshot) -> None:
    totals = {"watchlist": [total(OTHERS, listing=70)]}
    gone = next(turn for turn in outlook(snapshot, totals, 7.0, moment("2027-02-15")) if turn.status == 410)
    assert (gone.hits, gone.unnamed, gone.requests) == ([], 10.0, 10.0)


def test_only_so_many_are_named(snapshot: Snapshot) -> None:
    totals = {"watchlist": [total(f"c{number}", listing=number) for number in range(1, 201)]}
    (gone,) = [turn for turn in outlook(snapshot, totals, 1.0, moment("2027-02-15")) if turn.at == moment("2027-03-02")]
    document = gone.document()
    assert (document["consumers"], len(document["named"]), document["and_others"]) == (200, 100, 100)
    assert document["named"][0]["consumer"] == "c200"


@pytest.mark.parametrize("consumer", ["acme", "bob", "eve"])
@pytest.mark.parametrize("line", [LISTING, ADDING])
def test_it_comes_true(snapshot: Snapshot, consumer: str, line: str) -> None:
    """Whoever is said to get an answer gets it from then on, and not a moment before."""
    method, path = line.split(" ")
    head = RequestHead.of(method, path, [("authorization", "Bearer x")])

    def status(at: float) -> int | None:
        decision = decide(head, snapshot, at, Memory.fresh(GivenClaims({"sub": consumer})))
        return decision.problem.code if isinstance(decision, Refuse) else None

    everybody = {"watchlist": [total(consumer, listing=7, adding=7)]}
    turns = outlook(snapshot, everybody, 7.0, moment("2027-01-05"))
    hits = {turn.at: turn.status for turn in turns for hit in turn.hits if line in hit.endpoints}
    for turn in turns:
        if turn.at in hits:
            assert status(turn.at) == hits[turn.at] != status(turn.at - 0.001) or hits[turn.at] is None
        else:
            assert status(turn.at) == status(turn.at - 0.001)


class Rules:
    def __init__(self, snapshot: Snapshot, folder: Path) -> None:
        self.snapshot = snapshot
        self.config = load_text(folder, AREA).config


async def test_the_ledger_says_who_calls_who_has_reacted_and_who_will_be_refused(
    tmp_path: Path, snapshot: Snapshot
) -> None:
    now = moment("2027-02-20T12:00")
    today, turn = int(now // 86_400), int(moment("2027-01-31") // 86_400)
    store = open_store(f"sqlite:///{tmp_path}/ledger.db")
    await store.open()
    try:
        rows = [usage("keen", day, 100) for day in range(turn - 20, turn + 5)]
        rows += [usage("lazy", day, 10) for day in range(turn - 20, today + 1)]
        rows += [usage("lazy", day, 30, 3, side="successor") for day in range(today - 3, today + 1)]
        await store.record(Batch("here", 1, rows))
        audience = Audience(store, Rules(snapshot, tmp_path), FakeClock(now))
        week = {one.total.consumer: one for one in (await audience.clients(None, 7 * 86_400.0, 9))[1]}
        month = {one.total.consumer: one for one in (await audience.clients("watchlist", 60 * 86_400.0, 9))[1]}
        gone = next(one for one in await audience.outlook("watchlist", None) if one.status == 410)
        assert await audience.outlook("watchlist", moment("2027-02-21")) == []
        known, shown = await audience.clients(None, 60 * 86_400.0, 1)
        assert (known, [one.total.consumer for one in shown]) == (2, ["keen"])
    finally:
        await store.close()
    # The week shows who called in it, and still knows what they did before the headers.
    assert list(week) == ["lazy"]
    assert (week["lazy"].total.legacy, week["lazy"].total.successor) == (80, 120)
    assert week["lazy"].served == (120 - 12) / 200
    assert week["lazy"].trend.course is Course.GROWING
    assert month["keen"].trend.course is Course.REACTED
    assert month["lazy"].trend == week["lazy"].trend
    assert [hit.consumer for hit in gone.hits] == ["lazy"]
    assert 28 < gone.requests < 32
