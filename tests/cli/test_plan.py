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


def rows(text: str) -> list[list[str]]:
    """The lines of a Markdown table that tell what is answered."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return [line for line in cells if line[0] in {"watchlist", "DELETE /api/favorites/{code}"} and len(line) == 6]


def test_a_day_is_told_hour_by_hour(crossfade: Crossfade) -> None:
    done = crossfade("plan", "-c", "area.yaml", "--format", "md", "--at", "2100-02-10")

    warned = ["deprecated", "normally, with warning headers", "-"]
    assert rows(done.stdout) == [
        ["watchlist", "2100-02-10", "2100-02-10T09:00:00Z", *warned],
        ["watchlist", "2100-02-10T09:00:00Z", "2100-02-10T10:00:00Z", "deprecated", "410 brownout", "-"],
        ["watchlist", "2100-02-10T10:00:00Z", "2100-02-11", *warned],
    ]


def test_a_day_after_the_end_names_who_is_still_served(crossfade: Crossfade) -> None:
    done = crossfade("plan", "-c", "area.yaml", "--at", "2100-03-09T12:00Z")
    later = crossfade("plan", "-c", "area.yaml", "--format", "json", "--at", "2100-03-10")

    assert "410 api-version-gone" in done.stdout
    assert "acme: normally" in done.stdout
    (answer,) = json.loads(later.stdout)["migrations"][0]["answers"]
    assert (answer["answer"], answer["spared"]) == ("410 api-version-gone", [])


def test_the_markdown_has_the_phases_and_the_way_back(crossfade: Crossfade) -> None:
    text = crossfade("plan", "-c", "area.yaml", "--format", "md").stdout

    assert "| gone | 2100-03-02 | 410, except for consumers with an extension |" in text
    assert '1. `crossfade rollout rollback watchlist --reason "…"`: ' in text
    assert "Pins to v2 still hold: take claim:plan=beta → successor out of the file as well." in text
    assert "crossfade sunset cancel watchlist --at 2100-02-10T09:00:00Z" in text


def test_a_date_that_is_none_and_a_guide_in_json_are_refused(crossfade: Crossfade) -> None:
    wrong = crossfade("plan", "-c", "area.yaml", "--at", "soon")
    guide = crossfade("plan", "-c", "area.yaml", "--for", "consumers", "--format", "json")

    assert (wrong.returncode, guide.returncode) == (2, 2)
    assert "2027-02-01T09:00Z, not 'soon'" in wrong.stderr
    assert "is Markdown" in guide.stderr
