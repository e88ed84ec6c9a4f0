"""Every phase as the client gets it, to the byte."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.client import ask
from tests.support.clock import FakeClock
from tests.support.gateway import migrating, running
from tests.support.upstream import ScriptedUpstream

DATED = """    deprecation:
      announced: 2027-01-01
      deprecated: +30d
      gone: +60d
      removed: +90d
      docs: https://docs.test/watchlist
      policy: https://docs.test/policy
      brownouts: [{at: 2027-02-10T09:00Z, for: 1h}]
      extensions: [{consumer: 127.0.0.1, until: 2027-03-10}]"""
DOCS = '<https://docs.test/watchlist>; rel="deprecation"'
LINKS = f'Link: </api/v2/watchlist>; rel="successor-version", {DOCS}, <https://docs.test/policy>; rel="sunset"'
WARNINGS = ["Deprecation: @1801353600", "Sunset: Tue, 02 Mar 2027 00:00:00 GMT", LINKS]
REMOVED = ['Link: </api/v2/watchlist>; rel="successor-version"']
SAID = {"deprecation", "sunset", "link", "retry-after", "cache-control", "content-type", "date"}


@pytest.mark.parametrize(
    ("when", "status", "lines"),
    [
        ("2026-12-31T23:59:59", 200, []),
        ("2027-01-01T00:00:00", 200, [f"Link: {DOCS}"]),
        ("2027-01-31T00:00:00", 200, WARNINGS),
        ("2027-02-10T09:00:00", 410, [*WARNINGS, "Retry-After: 3600"]),
        ("2027-02-10T10:00:00", 200, WARNINGS),
        ("2027-03-02T00:00:00", 200, WARNINGS),
        ("2027-03-10T00:00:00", 410, WARNINGS),
        ("2027-04-01T00:00:00", 404, REMOVED),
    ],
)
async def test_status_and_header_bytes_of_every_phase(tmp_path: Path, when: str, status: int, lines: list[str]) -> None:
    moment = datetime.fromisoformat(when).replace(tzinfo=UTC)
    async with ScriptedUpstream() as v1:
        text = migrating(v1.origin, v1.origin, percent=0, rest=DATED)
        async with running(tmp_path, text, clock=FakeClock(moment.timestamp())) as gateway:
            answer = await ask(gateway.public_port, "/api/favorites")
    # RFC 9457: a problem document; RFC 9110 section 5.6.7: the date; nobody may keep a refusal.
    refusal = ["Content-Type: application/problem+json", "Cache-Control: no-store"]
    date = f"Date: {moment:%a, %d %b %Y %H:%M:%S} GMT"
    ours = [f"{name}: {value}" for name, value in answer.fields if name.lower() in SAID]
    expected = [date, "Content-Type: application/json", *lines] if status == 200 else [*lines, *refusal, date]
    assert (answer.status, sorted(ours)) == (status, sorted(expected))
    assert len(v1.received) == (status == 200)


async def test_phases_change_without_a_reload(tmp_path: Path) -> None:
    clock = FakeClock(datetime(2027, 1, 30, 23, 59, 59, tzinfo=UTC).timestamp())
    seen = []
    async with ScriptedUpstream() as v1:
        text = migrating(v1.origin, v1.origin, percent=0, rest=DATED.replace("127.0.0.1", "nobody"))
        async with running(tmp_path, text, clock=clock) as gateway:
            for seconds in (0, 1, 30 * 86400 - 1, 1, 30 * 86400):
                clock.advance(seconds)
                answer = await ask(gateway.public_port, "/api/favorites")
                seen.append((answer.status, answer.get("Deprecation") is not None))
    assert seen == [(200, False), (200, True), (200, True), (410, True), (404, False)]
