"""Whether two answers say the same, and where they do not."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.field import parse
from gateway.observability.shadow import Difference
from gateway.policy.comparing import MOST, compare

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text("ab", max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abc"), below, max_size=3),
    max_leaves=12,
)


def _differing(one: Any, other: Any, *ignore: str, is_redacted: bool = True) -> dict[str, tuple[str, str]]:
    bodies = orjson.dumps(one), orjson.dumps(other)
    patterns = tuple(map(parse, ignore))
    found = compare((200, bodies[0]), (200, bodies[1]), patterns, is_redacted=is_redacted)
    return {difference.path: (difference.legacy, difference.successor) for difference in found}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": 1}, {"a": 2}, {"a": ("int", "int")}),
        ({"a": 1}, {"a": "1"}, {"a": ("int", "str(1)")}),
        ({"a": 1}, {"a": True}, {"a": ("int", "bool")}),
        ({"a": 0}, {"a": False}, {"a": ("int", "bool")}),
        ({"a": [1]}, {"a": [True]}, {"a[*]": ("int", "bool")}),
        ({"a": 1}, {"a": 1.0}, {}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1.0}]}, {}),
        ({"a": 0.1}, {"a": 0.1000001}, {"a": ("float", "float")}),
        ({"a": "600519"}, {"a": "600518"}, {"a": ("str(6)", "str(6)")}),
        ({"a": None}, {}, {"a": ("null", "absent")}),
        ({}, {"a": None}, {"a": ("absent", "null")}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {}),
        ({"a": {"x": 1, "y": [2]}}, {"a": {"y": [2], "x": 1}}, {}),
        ([1, 2], [2, 1], {"[*]": ("int", "int")}),
        ([1, 2], [1], {"[*]": ("int", "absent")}),
        ([], {}, {"(body)": ("list(0)", "object(0)")}),
        ({"a": []}, {"a": {}}, {"a": ("list(0)", "object(0)")}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, {"a[*].b": ("int", "int")}),
        (None, 0, {"(body)": ("null", "int")}),
        ("用户", "用户1", {"(body)": ("str(2)", "str(3)")}),
    ],
)
def test_fields_are_compared_one_by_one(one: Any, other: Any, expected: dict[str, tuple[str, str]]) -> None:
    assert _differing(one, other) == expected


@pytest.mark.parametrize(
    ("ignore", "expected"),
    [
        ((), {"meta.id", "meta.more", "data[*].at", "data[*].name"}),
        (("meta.**",), {"data[*].at", "data[*].name"}),
        (("meta", "data[*].at"), {"data[*].name"}),
        (("meta.id", "data[*].at"), {"meta.more", "data[*].name"}),
        (("meta", "data[0]"), {"data[*].at"}),
        (("**",), set()),
        (("meta", "data"), set()),
    ],
)
def test_what_is_ignored_may_differ(ignore: tuple[str, ...], expected: set[str]) -> None:
    one = {"meta": {"id": 1}, "data": [{"at": 1, "name": "a"}, {"at": 2, "name": "b"}]}
    other = {"meta": {"id": 2, "more": 3}, "data": [{"at": 8, "name": "c"}, {"at": 9, "name": "b"}]}
    assert set(_differing(one, other, *ignore)) == expected


def test_a_status_is_compared_first_and_told_as_it_is() -> None:
    found = compare((200, b'{"a": 1}'), (404, b'{"a": 2}'), (), is_redacted=True)
    assert found == (Difference("(status)", "200", "404"),)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (b"text", b"text", ()),
        (b"", b"", ()),
        (b"text", b"other", (Difference("(body)", "no JSON", "no JSON"),)),
        (b"text", b'{"a": 1}', (Difference("(body)", "no JSON", "object(1)"),)),
        (b'{"a": 1}', b"", (Difference("(body)", "object(1)", "no JSON"),)),
        (b'{"a": NaN}', b'{"a": NaN}', ()),
        (b'{ "a":1 }', b'{"a": 1}', ()),
    ],
)
def test_what_is_no_json_is_compared_to_the_byte(one: bytes, other: bytes, expected: tuple[Difference, ...]) -> None:
    assert compare((200, one), (200, other), (), is_redacted=True) == expected


def test_values_are_shown_only_where_the_file_says_so_and_cut() -> None:
    assert _differing({"a": "x" * 500}, {"a": ["y"]}, is_redacted=False) == {"a": ('"' + "x" * 99, '["y"]')}


def test_no_value_is_told_where_values_are_redacted() -> None:
    secrets = {"name": "secret", "list": ["secret"], "deep": {"secret": "secret"}, "n": 4711, "x": "secret"}
    told = _differing(secrets, {"name": 1, "list": 1, "deep": 1, "n": 12, "y": "secret"})
    assert not [text for values in told.values() for text in values if "secret" in text or "4711" in text]


def test_no_more_is_told_than_is_of_use() -> None:
    assert len(_differing({str(n): n for n in range(500)}, {})) == MOST
    (path,) = _differing({"k" * 5000: 1}, {})
    assert len(path) == 200


@pytest.mark.parametrize("depth", [200, 300, 1000])
def test_a_deep_answer_is_no_danger(depth: int) -> None:
    one, other = b"[" * depth + b"1" + b"]" * depth, b"[" * depth + b"2" + b"]" * depth
    assert compare((200, one), (200, one), (), is_redacted=True) == ()
    (found,) = compare((200, one), (200, other), (), is_redacted=True)
    assert (found.legacy, found.successor) == ("int", "int")


@given(JSON)
def test_an_answer_is_what_it_is(value: Any) -> None:
    assert _differing(value, json.loads(json.dumps(value))) == {}


@given(JSON, JSON)
def test_two_answers_differ_both_ways_or_not_at_all(one: Any, other: Any) -> None:
    there, back = _differing(one, other), _differing(other, one)
    assert there.keys() == back.keys()
    assert bool(there) == (_strict(one) != _strict(other))


def _strict(value: Any) -> Any:
    """Make true differ from 1, as Python does not."""
    match value:
        case bool():
            return str(value)
        case list():
            return [_strict(item) for item in value]
        case dict():
            return {key: _strict(member) for key, member in value.items()}
    return value if not isinstance(value, str) else f"text {value}"
