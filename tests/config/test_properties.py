"""Whatever a file holds, loading ends in a Snapshot or in a ConfigError."""

import string
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config.compile import compile_snapshot
from gateway.config.lint.paths import covers
from gateway.config.load import ConfigError, load
from gateway.config.template import PathTemplate
from tests.config.sample import CONTRACT, ENVIRON, MINIMAL, NOW

LINES = CONTRACT.splitlines()
SNIPPETS = [
    "", "null", "~", "[]", "{}", "[[]]", "{a: b}", "-1", "0", "1e999", ".nan", "99999999999999999999", "true",
    "${X}", "${", "$$", "${file:/dev/null}", "*a", "&a", "!!python/object:os.system", "? :", "|", ">", "'", '"', "#",
    "\t", "{", "}", ",", "2027-13-01", "+1d", "+99999999d", "9999-12-31", "0001-01-01", "v1", "/", "GET /{a}/{a}",
    "http://[::1", "claim:", "\u0000", "\ufeff", "用户", "<<: {}", "x" * 300, "`{`", "a.[b", "1:30", "0o17", "%",
]  # fmt: skip
WORDS = st.sampled_from(SNIPPETS) | st.text(alphabet=string.printable, max_size=12) | st.text(max_size=6)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
SEGMENTS = st.sampled_from(["a", "b", "", "{x}", "{y}"])
PROPERTY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _load(folder: Path, text: str) -> None:
    """Load a text; anything but a ConfigError is a bug, and so is a finding without a line or a message."""
    path = folder / "gateway.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        loaded = load(path, ENVIRON, NOW)
    except ConfigError as error:
        assert error.findings
        for finding in error.findings:
            assert 1 <= finding.line <= len(text.splitlines()) + 2
            assert finding.message
    else:
        compile_snapshot(loaded.config)


@PROPERTY
@given(st.text(max_size=200) | st.lists(WORDS, max_size=20).map("\n".join))
def test_any_text_loads_or_is_refused(tmp_path: Path, text: str) -> None:
    _load(tmp_path, text)


@PROPERTY
@given(st.data())
def test_a_good_file_with_anything_written_into_it_loads_or_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([CONTRACT, MINIMAL.read_text("utf-8")]))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + data.draw(WORDS) + text[end:]
    _load(tmp_path, text)


@PROPERTY
@given(st.data())
def test_a_good_file_with_other_values_loads_or_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(LINES) - 1))
    key, colon, _ = LINES[number].partition(":")
    line = f"{key}{colon} {data.draw(WORDS)}"
    _load(tmp_path, "\n".join([*LINES[:number], line, *LINES[number + 1 :]]))


@PROPERTY
@given(st.data())
def test_a_good_file_with_any_branch_replaced_loads_or_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    tree = yaml.safe_load(CONTRACT)
    branch = tree
    while True:
        keys = list(branch) if isinstance(branch, dict) else list(range(len(branch)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(branch[key], dict | list) and branch[key] and data.draw(st.booleans()):
            branch = branch[key]
            continue
        branch[key] = data.draw(
            st.recursive(
                LEAVES,
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
                max_leaves=6,
            )
        )
        break
    _load(tmp_path, yaml.safe_dump(tree, allow_unicode=True))


@given(
    st.lists(SEGMENTS, max_size=3), st.booleans(), st.lists(SEGMENTS, max_size=3), st.booleans(),
    st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=4),
)  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_a_template_that_covers_another_matches_all_its_paths(
    wide: list[str], wide_rest: bool, narrow: list[str], narrow_rest: bool, parts: list[str]
) -> None:
    one, other = _template(wide, wide_rest), _template(narrow, narrow_rest)
    path = "/" + "/".join(parts)
    if covers(one, other) and other.match(path) is not None:
        assert one.match(path) is not None


def _template(segments: list[str], has_rest: bool) -> PathTemplate:
    named = [f"{{p{index}}}" if segment.startswith("{") else segment for index, segment in enumerate(segments)]
    return PathTemplate.parse("/" + "/".join([*named, "{rest*}"] if has_rest else named))


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("/a/{x}", "/a/b", True),
        ("/a/b", "/a/{x}", False),
        ("/a/{x}", "/a/{y}", True),
        ("/a/{rest*}", "/a", True),
        ("/a/{rest*}", "/a/{x}/c/{more*}", True),
        ("/a/{x}", "/a/{rest*}", False),
        ("/a/{x}", "/a/", False),
        ("/a/{x}/{rest*}", "/a/{rest*}", False),
        ("/{rest*}", "/", True),
    ],
)
def test_covering_is_decided_segment_by_segment(wide: str, narrow: str, expected: bool) -> None:
    assert covers(PathTemplate.parse(wide), PathTemplate.parse(narrow)) is expected
