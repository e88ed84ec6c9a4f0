"""What `check` says about topics, streams and calls that the hub answers."""

from pathlib import Path

import pytest

from gateway.config.compile import compile_snapshot
from gateway.config.snapshot import AuthMode
from tests.config.sample import CONTRACT, errors, load_text, replaced

QUOTE = '- {legacy: "GET /api/favorites", '
POST = '- {legacy: "POST /api/favorites", '
FIRST = "  - {name: login, "
RELIEVED = '- {legacy: "GET /api/quote/{symbol}", serve: hub, successor: "GET /api/v2/quote/{symbol}"}\n      ' + QUOTE


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("conflate: true}", "conflate: true, migration: nope}", "realtime.topics.quotes.migration", "no migration"),
        ("conflate: true}", "conflate: true, adapt: nope}", "realtime.topics.quotes.adapt", "no adapter"),
        (QUOTE, QUOTE + "serve: hub, ", "migrations.watchlist.endpoints[0].serve", "no topic with conflate"),
        (
            '"POST /api/favorites", ',
            '"POST /api/favorites", serve: hub, ',
            "migrations.watchlist.endpoints[1].serve",
            "no GET",
        ),
    ],
)
def test_what_the_hub_cannot_do_is_an_error_at_its_place(
    tmp_path: Path, old: str, new: str, path: str, message: str
) -> None:
    found = errors(tmp_path, replaced(CONTRACT, old, new))
    assert [(finding.path, message in finding.message) for finding in found] == [(path, True)]


def test_a_topic_that_the_upstream_does_not_speak_of_is_warned_of(tmp_path: Path) -> None:
    weather = '    weather: {match: "weather:{city}"}\n'
    text = replaced(CONTRACT, "  topics:\n", "  topics:\n" + weather)
    warnings = {finding.path: finding.message for finding in load_text(tmp_path, text).warnings}
    assert "in no channel of tacn.v2" in warnings["realtime.topics.weather.match"]


def test_a_relieved_call_knows_its_topic_and_is_not_plain(tmp_path: Path) -> None:
    endpoint = compile_snapshot(load_text(tmp_path, replaced(CONTRACT, QUOTE, RELIEVED)).config).endpoints[0]
    assert endpoint.relief is not None
    assert endpoint.relief.of("/api/quote/600519") == "quotes:600519"
    assert not endpoint.is_plain


def test_a_stream_takes_the_policy_of_the_route_at_its_path(tmp_path: Path) -> None:
    route = '  - {name: mine, match: "GET /api/stream/analysis/{id}", upstream: v1, auth: optional, quotas: [burst]}\n'
    snapshot = compile_snapshot(load_text(tmp_path, replaced(CONTRACT, FIRST, route + FIRST)).config)
    mine = next(found for found in snapshot.routes if found.name == "mine")
    assert mine.stream is not None
    assert (mine.auth, mine.stream.of("/api/stream/analysis/t-7")) == (AuthMode.OPTIONAL, "analysis:t-7")
    assert [found.name for found in snapshot.routes if found.stream is not None] == [
        "stream-quotes",
        "stream-notifications",
        "mine",
    ]


def test_a_stream_whose_topic_names_a_migration_is_deprecated_with_it(tmp_path: Path) -> None:
    text = replaced(CONTRACT, "authorize: upstream}", "authorize: upstream, migration: watchlist}")
    snapshot = compile_snapshot(load_text(tmp_path, text).config)
    stream = next(endpoint for endpoint in snapshot.endpoints if endpoint.stream is not None)
    assert (stream.owner, stream.label) == ("watchlist", "GET /api/stream/analysis/{task}")
    assert stream.rewrite.apply("/api/stream/analysis/t-7") == "/ws"
