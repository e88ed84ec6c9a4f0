"""The checks that have names: when each speaks, how it is allowed, and that the documentation lists them all."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.config.findings import Finding
from gateway.config.lint.rule import RULES, Rule
from tests.config.sample import CONTRACT, NOW, findings, replaced

DAY = 86400.0
CONFIGURATION = Path(__file__).parents[2] / "docs" / "configuration.md"
V1 = CONTRACT[CONTRACT.index("  v1:\n") : CONTRACT.index("  v2: {endpoints")]
SCREENING = CONTRACT[CONTRACT.index("  - {name: screening") : CONTRACT.index("adapters:")]

type Change = tuple[str, str]

NO_BROWNOUTS: Change = ("brownouts: [{at", "brownouts: [] # [{at")
BROKEN: dict[str, tuple[float, str, Sequence[Change]]] = {
    "past-date": (70, "deprecation.gone", ()),
    "sunset-before-deprecation": (0, "deprecation.gone", [("gone: +60d", "gone: +20d"), NO_BROWNOUTS]),
    "brownout-outside": (0, "deprecation.brownouts[0]", [("at: 2027-01-12T09:00Z", "at: 2026-12-12T09:00Z")]),
    "gone-below-100": (60, "deprecation.gone", ()),
    "removed-before-extension": (0, "deprecation.extensions[0].until", [("until: 2027-02-14", "until: 2027-04-01")]),
    "short-notice": (
        0,
        "deprecation.gone",
        [("gone: +60d", "gone: +29d"), ("deprecated: +30d", "deprecated: +20d"), NO_BROWNOUTS],
    ),
    "no-guide": (0, "deprecation.gone", [("      docs: https", "      # docs: https")]),
    "legacy-retired": (110, "legacy", [(V1, ""), (SCREENING, "")]),
    "upstream-retired": (110, "", [(SCREENING, "")]),
}
"""Rule to the days after NOW, the key path below the migration, and the changes of the example that break it."""


def broken(name: str, *more: Change) -> tuple[str, float]:
    days, _, changes = BROKEN[name]
    text = CONTRACT
    for old, new in (*changes, *more):
        text = replaced(text, old, new)
    return text, NOW + days * DAY


def said(folder: Path, name: str, *more: Change) -> list[Finding]:
    text, now = broken(name, *more)
    return [finding for finding in findings(folder, text, now=now) if finding.rule == name]


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_each_rule_speaks_with_its_severity_and_its_name(tmp_path: Path, rule: Rule) -> None:
    first, *_ = said(tmp_path, rule.name)
    path = BROKEN[rule.name][1]
    assert first.path == (f"migrations.watchlist.{path}" if path else "upstreams.v1")
    assert first.severity == rule.severity
    assert str(first).endswith(f" [{rule.name}]")


@pytest.mark.parametrize("name", RULES)
def test_each_rule_can_be_allowed_for_the_migration_or_for_all(tmp_path: Path, name: str) -> None:
    whole = ("version: 1\n", f"version: 1\nlint: {{allow: [{name}]}}\n")
    assert said(tmp_path, name, whole) == []
    migration = ("    title: Watchlist\n", f"    title: Watchlist\n    lint: {{allow: [{name}]}}\n")
    assert bool(said(tmp_path, name, migration)) == (name == "upstream-retired")


def test_what_is_allowed_no_longer_stands_in_the_way(tmp_path: Path) -> None:
    allowed = ("version: 1\n", "version: 1\nlint: {allow: [brownout-outside]}\n")
    text, now = broken("brownout-outside", allowed)
    assert {finding.severity for finding in findings(tmp_path, text, now=now)} <= {"warning", "note"}


def test_an_unknown_name_is_an_error_with_the_nearest_one(tmp_path: Path) -> None:
    text = replaced(CONTRACT, "version: 1\n", "version: 1\nlint: {allow: [short-notise]}\n")
    (error,) = [finding for finding in findings(tmp_path, text) if finding.severity == "error"]
    assert (error.path, error.message) == (
        "lint.allow[0]",
        "there is no rule 'short-notise'; did you mean 'short-notice'?",
    )


def test_the_example_breaks_no_rule_before_its_end_comes_near(tmp_path: Path) -> None:
    for days in (0, 45):
        assert [finding for finding in findings(tmp_path, CONTRACT, now=NOW + days * DAY) if finding.rule] == []


@pytest.mark.parametrize(
    ("own", "path", "rule"),
    [
        ("{gone: 2026-12-20}", "endpoints[0].deprecation.gone", "sunset-before-deprecation"),
        ("{gone: 2027-01-15}", "endpoints[0].deprecation.brownouts[1]", "brownout-outside"),
        ("{docs: null}", "endpoints[0].deprecation.gone", "no-guide"),
        ("{announced: 2027-01-10}", "endpoints[0].deprecation.brownouts[0]", "brownout-outside"),
    ],
)
def test_an_endpoints_own_dates_are_held_to_the_same_rules_once(tmp_path: Path, own: str, path: str, rule: str) -> None:
    text = replaced(CONTRACT, "adapt: watchlist_items}", f"adapt: watchlist_items, deprecation: {own}}}")
    found = [finding for finding in findings(tmp_path, text) if finding.rule == rule]
    assert found[0].path == f"migrations.watchlist.{path}"
    assert {finding.path.split(".")[2] for finding in findings(tmp_path, text) if finding.rule} == {"endpoints[0]"}


def test_dates_that_an_endpoint_inherits_are_spoken_of_once(tmp_path: Path) -> None:
    text = replaced(CONTRACT, "adapt: watchlist_items}", "adapt: watchlist_items, deprecation: {removed: 2028-01-01}}")
    found = findings(tmp_path, text, now=NOW + 75 * DAY)
    assert [finding.path for finding in found if finding.rule == "past-date"] == [
        "migrations.watchlist.deprecation.gone"
    ]


def test_deleting_the_legacy_upstream_is_a_clean_edit_after_removed_and_an_error_before(tmp_path: Path) -> None:
    text, now = broken("legacy-retired")
    assert [finding.severity for finding in findings(tmp_path, text, now=now) if finding.rule == "legacy-retired"] == [
        "note"
    ]
    assert not [finding for finding in findings(tmp_path, text, now=now) if finding.severity == "error"]
    (error,) = [finding for finding in findings(tmp_path, text) if finding.severity == "error"]
    assert (error.path, error.message) == (
        "migrations.watchlist.legacy",
        "there is no upstream 'v1'; known here: v2",
    )


def test_an_upstream_may_not_be_deleted_while_one_endpoint_lives_on(tmp_path: Path) -> None:
    text, now = broken("legacy-retired")
    text = replaced(text, "adapt: watchlist_items}", "adapt: watchlist_items, deprecation: {removed: null}}")
    assert [finding.path for finding in findings(tmp_path, text, now=now) if finding.severity == "error"] == [
        "migrations.watchlist.legacy"
    ]


def test_the_documentation_has_the_table_of_all_rules() -> None:
    rows = [f"| `{rule.name}` | {rule.severity} | {rule.when} | {rule.why} |" for rule in RULES.values()]
    table = "\n".join(["| name | | when | why |", "|---|---|---|---|", *rows])
    assert table in CONFIGURATION.read_text(encoding="utf-8"), f"docs/configuration.md needs this table:\n{table}"
