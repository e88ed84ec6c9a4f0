"""`crossfade plan`."""

import json

from .conftest import Crossfade

FACTS = [
    "split by claim:sub with salt tacn",
    "pinned: claim:plan=beta → successor",
    "phase parallel: announced 2100-01-01, deprecated 2100-01-31, gone 2100-03-02, removed 2100-04-01",
    "brownout: 2100-02-10T09:00:00Z until 2100-02-10T10:00:00Z",
    "extension: acme until 2100-03-10",
]


def test_the_text_shows_mapping_phases_percent_and_pins(crossfade: Crossfade) -> None:
    done = crossfade("plan", "-c", "area.yaml")

    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0] == "watchlist: Watchlist, 10 % of v1 on v2"
    assert lines[1:6] == FACTS
    assert "GET /api/favorites GET /api/v2/watchlist items required burst" in lines
    assert "screening * /api/screening/{rest*} v1 required" in lines


def test_the_markdown_has_a_section_a_migration_and_a_table(crossfade: Crossfade) -> None:
    lines = crossfade("plan", "-c", "area.yaml", "--format", "md").stdout.splitlines()

    assert "## watchlist: Watchlist, 10 % of v1 on v2" in lines
    assert [line.removeprefix("- ") for line in lines if line.startswith("- ")] == FACTS
    assert "| DELETE /api/favorites/{code} | DELETE /api/v2/watchlist/{code} | - | optional | burst |" in lines


def test_the_json_says_the_same(crossfade: Crossfade) -> None:
    plan = json.loads(crossfade("plan", "-c", "area.yaml", "--format", "json").stdout)

    (area,) = plan["migrations"]
    assert (area["percent"], area["phase"], area["dates"]["gone"]) == (10, "parallel", "2100-03-02")
    assert area["pins"] == [{"to": "successor", "when": {"claim:plan": "beta"}}]
    assert area["endpoints"][0]["successor"] == "GET /api/v2/watchlist"
    assert plan["routes"][0]["name"] == "screening"
