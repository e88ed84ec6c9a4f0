"""Good files load, with warnings where they are due; a file that is no configuration says what it is instead."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.config.load import ConfigError, load
from tests.config.sample import (
    CONTRACT,
    ENVIRON,
    MINIMAL,
    NOW,
    SECRET,
    errors,
    findings,
    line_of,
    load_text,
    replaced,
)

DAY = 86400.0


def test_the_contracts_example_loads(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, CONTRACT)
    assert [str(call.legacy) for call in loaded.config.migrations["watchlist"].endpoints] == [
        "GET /api/favorites",
        "POST /api/favorites",
        "DELETE /api/favorites/{stock_code}",
    ]
    assert loaded.config.server.limits.body == 10 << 20
    assert loaded.config.quotas["free"].window == DAY
    assert loaded.config.migrations["watchlist"].rollout.percent == 10.0
    assert loaded.text == CONTRACT
    assert loaded.digest == sha256(CONTRACT.encode()).hexdigest()[:12]


def test_the_minimal_file_loads_without_a_warning_and_fits_on_one_screen() -> None:
    assert load(MINIMAL, ENVIRON, NOW).warnings == []
    assert len(MINIMAL.read_text("utf-8").splitlines()) <= 30


def test_more_workers_are_accepted_with_redis(tmp_path: Path) -> None:
    text = replaced(replaced(CONTRACT, "workers: 1 ", "workers: 2 "), "redis: null", "redis: redis://h")
    loaded = load_text(tmp_path, text)
    assert loaded.config.server.workers == 2
    assert "server.workers" not in {finding.path for finding in loaded.warnings}


@pytest.mark.parametrize(
    ("old", "new", "days", "words"),
    [
        ("", "", 70, "is in the past (2027-01-30): legacy calls get 410 as soon as this file is applied"),
        ("", "", 100, "is in the past (2027-03-01): legacy calls get 404 as soon as this file is applied"),
        ("gone: +60d ", "gone: +29d ", 0, "is 29 days after the announcement; give clients at least 30"),
        ("docs: https://docs.example.com/migrate/watchlist", "#", 0, "write docs: URL"),
        ("until: 2027-02-14", "until: 2027-04-01", 0, "which ends extensions too"),
    ],
)
def test_a_plan_that_hurts_is_warned_about(tmp_path: Path, old: str, new: str, days: int, words: str) -> None:
    text = replaced(CONTRACT, old, new) if old else CONTRACT
    text = text.replace("deprecated: +30d", "deprecated: +28d") if "29d" in new else text
    # The brownouts of the example lie after an end that comes this early.
    text = text.replace("brownouts: [", "brownouts: [] #") if "29d" in new else text
    warned = load_text(tmp_path, text, now=NOW + days * DAY).warnings
    assert [finding for finding in warned if words in finding.message], "\n".join(map(str, warned))


def test_many_callers_without_a_way_back_are_warned_about(tmp_path: Path) -> None:
    text = replaced(MINIMAL.read_text("utf-8"), "percent: 10", "percent: 50")
    (warning,) = load_text(tmp_path, text).warnings
    assert warning.path == "migrations.config.rollout.percent"


def test_all_errors_of_a_file_come_at_once_in_the_order_of_its_lines(tmp_path: Path) -> None:
    text = CONTRACT
    for old, new in [
        ("  drain: 30s", "  drain: soon"),
        ("connect_timeout: 1s", "conect_timeout: 1s"),
        ("${JWT_SECRET}", "${NOBODY_SET_THIS}"),
        ("data: data[].{", "data: data[.{"),
        ("    legacy: v1", "    legacy: v9"),
        ("adapt: watchlist_items}", "adapt: watchlist_itmes}"),
        ("percent: 10 ", "percent: 110 "),
        ("gone: +60d", "gone: +6d"),
        ("  upstream: v2                            #", "  #"),
    ]:
        text = replaced(text, old, new)
    found = errors(tmp_path, text)
    assert [finding.path for finding in found] == [
        "server.drain",
        "upstreams.v1.conect_timeout",
        "auth.jwt.keys[0].secret",
        "adapters.watchlist_items.response.body",
        "migrations.watchlist.legacy",
        "migrations.watchlist.endpoints[0].adapt",
        "migrations.watchlist.rollout.percent",
        "migrations.watchlist.deprecation.gone",
        "realtime.upstream",
    ]
    assert [finding.line for finding in found] == sorted(finding.line for finding in found)


def test_an_item_that_is_wrong_does_not_shift_the_places_of_those_after_it(tmp_path: Path) -> None:
    text = replaced(CONTRACT, '"POST /api/v2/watchlist", ', '"PUSH /api/v2/watchlist", ')
    text = replaced(text, '"DELETE /api/v2/watchlist/{stock_code}"', '"DELETE /api/v2/watchlist/{symbol}"')
    found = errors(tmp_path, text)
    endpoints = "migrations.watchlist.endpoints"
    assert [finding.path for finding in found] == [f"{endpoints}[1].successor", f"{endpoints}[2].successor"]
    assert found[1].line == line_of(text, "watchlist/{symbol}")


def test_a_section_that_is_wrong_does_not_make_its_names_unknown(tmp_path: Path) -> None:
    text = replaced(CONTRACT, "endpoints: [http://127.0.0.1:3001]", "endpoints: []")
    text = replaced(text, "  burst: {quota: 50, window: 1s", "  burst: {quota: 50, window: 1")
    assert {finding.path for finding in errors(tmp_path, text)} == {"upstreams.v2.endpoints", "quotas.burst.window"}


@pytest.mark.parametrize(
    ("raw", "line", "words"),
    [
        (b"", 1, "is empty; begin with version: 1"),
        (b"# only a remark\n", 1, "is empty"),
        (b"---\n", 1, "is empty"),
        (b"- 1\n- 2\n", 1, "is not a mapping"),
        (b"just words\n", 1, "is not a mapping"),
        (b"version: 1\nserver: \xff\n", 2, "is not UTF-8"),
        (b"version: 1\nserver: {listen: [\n", 3, "is not YAML"),
        (b"version: 1\nserver:\n\tdrain: 3s\n", 3, "indent with spaces, not tabs"),
        (b"version: 1\na: \x07\n", 2, "U+0007"),
        (b"version: 1\n---\nversion: 1\n", 2, "a second document begins here"),
        (b"version: 1\nstore: *nowhere\n", 2, "there is no anchor &nowhere"),
        (b"version: 1\nstore: &a [*a]\n", 2, "inside its own anchor"),
        (b"a: " + b"[" * 100 + b"]" * 100, 1, "nested deeper than 64"),
        (b"# " + b"x" * (1 << 20), 1, "larger than 1 MiB"),
    ],
)
def test_a_file_that_is_no_configuration_says_so_on_its_line(tmp_path: Path, raw: bytes, line: int, words: str) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        load(path, ENVIRON, NOW)
    (finding,) = caught.value.findings
    assert (finding.line, finding.path) == (line, "")
    assert words in finding.message
    assert str(caught.value) == f"{path}:{line}: {finding.message}"


def test_a_file_that_is_not_there_or_a_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file; give the path"):
        load(tmp_path / "nothing.yaml", ENVIRON, NOW)
    with pytest.raises(ConfigError, match="is not a file; give the path"):
        load(tmp_path, ENVIRON, NOW)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + CONTRACT.encode())
    assert load(path, ENVIRON, NOW).text == CONTRACT


def test_an_alias_stands_for_its_anchor(tmp_path: Path) -> None:
    text = replaced(CONTRACT, "quotas: [burst, free]", "quotas: &usual [burst, free]")
    text = replaced(text, "adapt: watchlist_items}", "adapt: watchlist_items, quotas: *usual}")
    assert load_text(tmp_path, text).config.migrations["watchlist"].endpoints[0].quotas == ("burst", "free")


def test_aliases_of_aliases_cannot_make_a_small_file_big(tmp_path: Path) -> None:
    layers = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (finding,) = findings(tmp_path, "\n".join(["version: 1", "a0: &a0 [x]", *layers]))
    assert "more than 50000 values, aliases counted each time" in finding.message


def test_secrets_do_not_show_in_a_loaded_configuration(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, CONTRACT)
    assert SECRET not in repr(loaded)


def test_loading_starts_no_event_loop_and_imports_no_server() -> None:
    heavy = {"asyncio", "aiohttp", "redis", "motor"}
    code = f"import sys, gateway.config.load, gateway.config.compile; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
