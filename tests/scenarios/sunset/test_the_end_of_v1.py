"""The reference system's watchlist from its announcement to the end, day by day on a fake clock, told in docs/."""

import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

import pytest

from gateway.config.compile import compile_snapshot
from gateway.config.live import Live, LiveMigration
from gateway.config.load import load
from gateway.config.readiness import unready
from gateway.config.schema import Config
from gateway.config.snapshot import Snapshot
from gateway.control.audience import Audience
from gateway.control.store.opening import open_store
from gateway.control.store.port import Store
from gateway.control.usage import Batch, Usage
from tests.support.clock import FakeClock

from .crowd import DAY, LABEL, MIGRATION, SUCCESSOR, Answer, Consumer, crowd

ROOT = Path(__file__).resolve().parents[3]
STORY = ROOT / "docs" / "the-end-of-v1.md"
ENVIRON = {"JWT_SECRET": "a secret for the story, long enough for HS256", "CROSSFADE_ADMIN_TOKEN": "not-a-token-0123"}
START = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
DAYS = 120
BEFORE = 14
"""Days before the announcement, on which the ledger sees what everybody does."""
PERCENTS = {0: 10, 20: 25, 35: 50, 50: 100}
HOUR = DAY / 24

DOCS = '<https://docs.example.com/migrate/watchlist>; rel="deprecation"'
WARNINGS = (
    ("Deprecation", "@1798675200"),
    ("Sunset", "Sat, 30 Jan 2027 00:00:00 GMT"),
    (
        "Link",
        f'<{SUCCESSOR}>; rel="successor-version", {DOCS}, <https://docs.example.com/sunset-policy>; rel="sunset"',
    ),
)
ANNOUNCED = (("Link", DOCS),)
REMOVED = (("Link", f'<{SUCCESSOR}>; rel="successor-version"'),)

BOUNDARIES = [
    # moment in days since the announcement, what begins, for everybody: status, problem, fields; for acme if other
    (0, "announced", (200, "", ANNOUNCED), None),
    (30, "deprecated", (200, "", WARNINGS), None),
    (42, "brownout of 1 h", (410, "brownout", WARNINGS), None),
    (42 + 1 / 24, "its end", (200, "", WARNINGS), None),
    (49, "brownout of 4 h", (410, "brownout", WARNINGS), None),
    (49 + 4 / 24, "its end", (200, "", WARNINGS), None),
    (60, "gone", (410, "api-version-gone", WARNINGS), (200, "", WARNINGS)),
    (75, "acme's extension ends", (410, "api-version-gone", WARNINGS), None),
    (90, "removed", (404, "api-version-removed", REMOVED), None),
]
SAID = {"Deprecation", "Sunset", "Link", "Retry-After"}


@dataclass
class World:
    """The rules, the ledger and everybody who calls."""

    config: Config
    snapshot: Snapshot
    store: Store
    clock: FakeClock
    consumers: list[Consumer]

    def audience(self) -> Audience:
        return Audience(self.store, self, self.clock)

    def turn(self, day: int) -> None:
        """Move the live percent as an operator would."""
        if day in PERCENTS:
            live = Live(day + 1, {MIGRATION: LiveMigration(percent=PERCENTS[day])})
            self.snapshot = self.snapshot.turned(live)


def plain(answer: Answer) -> tuple[int, str, tuple[tuple[str, str], ...]]:
    fields = tuple(field for field in answer.headers if field[0] in SAID and field[0] != "Retry-After")
    return answer.status, answer.problem, fields


def check_boundary(world: World, number: int) -> None:
    """Hold everybody to what comes with a boundary, and to what was before it until the last second."""
    day, _, usual, special = BOUNDARIES[number]
    moment = START + day * DAY
    last = BOUNDARIES[number - 1] if number else (0, "", (200, "", ()), None)
    for consumer in crowd():
        is_special = consumer.name == "acme"
        before = consumer.call(world.snapshot, moment - 1)
        after = consumer.call(world.snapshot, moment)
        assert plain(before) == (last[3] if is_special and last[3] else last[2]), (consumer.name, number)
        assert plain(after) == (special if is_special and special else usual), (consumer.name, number)
        end = moment + (HOUR if day == 42 else 4 * HOUR)
        assert after.get("Retry-After") == (str(ceil(end - moment)) if after.problem == "brownout" else None)


async def live_a_day(world: World, day: int) -> Counter[str]:
    """Have everybody call at noon, and in the middle of a brownout; write the ledger; return what they got."""
    hours = {42: (0.5, 12.0), 49: (2.0, 12.0)}.get(day, (12.0,))
    got: Counter[str] = Counter()
    rows: Counter[tuple[str, str]] = Counter()
    for hour in hours:
        now = START + day * DAY + hour * HOUR
        for consumer in world.consumers:
            if consumer.has_moved(now):
                continue
            answer = consumer.call(world.snapshot, now)
            got[answer.side or answer.problem] += 1
            rows[answer.side, consumer.name] += 1
    noon = START + day * DAY + 12 * HOUR
    today = int(noon // DAY)
    usages = [
        Usage(today, MIGRATION, LABEL, side, name, "", count, 0, noon, noon) for (side, name), count in rows.items()
    ]
    await world.store.record(Batch("the story", day + BEFORE + 1, usages))
    return got


async def told(world: World, day: int, begins: str, got: Counter[str]) -> tuple[str, ...]:
    """Return a line of the story, at the evening of a day."""
    world.clock.jump(START + (day + 1) * DAY - 1)
    _, clients = await world.audience().clients(MIGRATION, 90 * DAY, 1000)
    courses = Counter(client.trend.course.value for client in clients)
    turns = await world.audience().outlook(MIGRATION, None)
    coming = next((turn for turn in turns if turn.hits), None)
    ahead = "nobody is hit any more"
    if coming is not None:
        date = datetime.fromtimestamp(coming.at, UTC).strftime("%m-%d")
        what = coming.answer if coming.status else "warning headers"
        ahead = f"{date}: {len(coming.hits)} will get {what}"
    refused = sum(count for what, count in got.items() if what not in {"legacy", "successor"})
    left = sum(not consumer.has_moved(world.clock.now()) for consumer in world.consumers)
    date = datetime.fromtimestamp(START + day * DAY, UTC).strftime("%Y-%m-%d")
    percent = world.snapshot.migrations[MIGRATION].rollout.percent
    reacted = f"{courses['reacted']} / {courses['not yet'] + courses['growing']}" if day >= 30 else "-"
    figures = (f"{percent:g} %", str(got["legacy"]), str(got["successor"]), str(refused), str(left))
    return (str(day), date, begins, *figures, reacted, ahead)


@pytest.fixture
def rules() -> tuple[Config, Snapshot]:
    loaded = load(ROOT / "config" / "gateway.yaml", ENVIRON, START - BEFORE * DAY)
    return loaded.config, compile_snapshot(loaded.config)


async def test_a_hundred_and_twenty_days_of_three_hundred_consumers(
    tmp_path: Path, rules: tuple[Config, Snapshot]
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/story.db")
    await store.open()
    world = World(*rules, store, FakeClock(START), list(crowd()))
    assert len(world.consumers) == 300
    story = []
    try:
        for number in range(len(BOUNDARIES)):
            check_boundary(world, number)
        begins = {int(day): what for day, what, *_ in BOUNDARIES if what != "its end"}
        for day in range(-BEFORE, DAYS):
            world.turn(day)
            got = await live_a_day(world, day)
            if day in begins or day in {37, 62, DAYS - 1}:
                story.append(await told(world, day, begins.get(day, "-"), got))
            if day == 60:
                assert not [one for one in unready(world.snapshot, world.clock.now()) if one.migration == MIGRATION]
    finally:
        await store.close()
    check_story(world, story)
    document = written(story)
    if os.environ.get("WRITE_DOCS"):
        STORY.write_text(document, encoding="utf-8")
    assert document == STORY.read_text(encoding="utf-8"), "the story has changed: make docs"


def check_story(world: World, story: list[tuple[str, ...]]) -> None:
    """Hold the outcome to what each kind of consumer was made for."""
    moved = {consumer.name: consumer.noticed for consumer in world.consumers}
    assert [name for name, noticed in moved.items() if noticed is None] == ["abandoned-job"]
    assert all(noticed == START + 30.5 * DAY for name, noticed in moved.items() if name.startswith("reader"))
    assert all(noticed == START + 42 * DAY + HOUR / 2 for name, noticed in moved.items() if name.startswith("sleeper"))
    assert all(noticed == START + 60.5 * DAY for name, noticed in moved.items() if name.startswith("late"))
    assert moved["acme"] == START + 75.5 * DAY
    by_day = {int(line[0]): line for line in story}
    assert by_day[0][6:8] == ("0", "300")
    assert [by_day[day][7] for day in (60, 75, DAYS - 1)] == ["80", "2", "1"]


def written(story: list[tuple[str, ...]]) -> str:
    """Return the document."""
    columns = (
        "day", "date", "begins", "percent", "calls to v1", "to v2", "refused", "not moved yet", "reacted / not yet",
        "the forecast that evening",
    )  # fmt: skip
    lines = ["| " + " | ".join(line) + " |" for line in (columns, ["---"] * len(columns), *story)]
    return "\n".join([*INTRODUCTION, "", *lines, "", *REMARKS, ""])


INTRODUCTION = (
    "# The end of v1, day by day",
    "",
    "The watchlist of [config/gateway.yaml](../config/gateway.yaml) from its announcement on: 300 consumers call",
    "`GET /api/favorites` once a day, at noon and in the middle of each brownout. 130 of them read the warning",
    "headers, 90 notice brownouts, 78 notice only that their calls fail, acme has an extension, and one job has",
    "nobody who looks after it. Each moves to v2 some days after it has noticed. The calls are decided by the",
    "gateway's own rules; the figures come from its ledger, as `crossfade consumers` and `crossfade forecast` show",
    "them. `make docs` tells the story anew.",
)
REMARKS = (
    "*Calls* are those to the legacy endpoint on that day, by the side that served them; *not moved yet* counts",
    "consumers that evening; *reacted / not yet* is the trend of all who called in the last 90 days. At each date",
    "every one of the 300 gets the old answer until the second before it and the new one from then on:",
    "`tests/scenarios/sunset` checks each status and each field.",
)
