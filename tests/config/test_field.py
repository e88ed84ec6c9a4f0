"""Which fields a pattern means."""

import pytest

from gateway.config.field import PatternError, Patterns, descend, is_met, parse

type Place = tuple[str | int, ...]


def _is_meant(text: str, place: Place) -> bool:
    patterns: Patterns = (parse(text),)
    for key in place:
        if is_met(patterns):
            return True
        patterns = descend(patterns, key)
    return is_met(patterns)


@pytest.mark.parametrize(
    ("text", "place", "is_meant"),
    [
        ("meta", ("meta",), True),
        ("meta", ("meta", "requestId"), True),
        ("meta", ("data",), False),
        ("meta", ("data", "meta"), False),
        ("meta.**", ("meta",), True),
        ("meta.**", ("meta", "a", 3, "b"), True),
        ("meta.requestId", ("meta",), False),
        ("meta.requestId", ("meta", "requestId"), True),
        ("data[*].at", ("data", 7, "at"), True),
        ("data[*].at", ("data", "7", "at"), False),
        ("data[*].at", ("data", 7), False),
        ("data[0].at", ("data", 0, "at"), True),
        ("data[0].at", ("data", 1, "at"), False),
        ("data.*.at", ("data", "x", "at"), True),
        ("data.*.at", ("data", 1, "at"), False),
        ("[*].id", (3, "id"), True),
        ("[*][*]", (3, 4), True),
        ("**.at", ("at",), True),
        ("**.at", ("data", 2, "more", "at"), True),
        ("**.at", ("data", 2, "more"), False),
        ("data.**.at", ("data", "at"), True),
        ("data.**.at", ("meta", "at"), False),
        ("**.a.**.b", ("x", "a", "y", "z", "b"), True),
        ("**.a.**.b", ("x", "b", "y", "a"), False),
        ("**[*]", ("a", 1), True),
        ("**", (), True),
        ('"a.b"', ("a.b",), True),
        ('data."*"', ("data", "*"), True),
        ('data."*"', ("data", "x"), False),
        ("更新时间", ("更新时间",), True),
        ("$ref.@id.x-y_z", ("$ref", "@id", "x-y_z"), True),
    ],
)
def test_a_pattern_means_a_field_and_all_below_it(text: str, place: Place, is_meant: bool) -> None:
    assert _is_meant(text, place) is is_meant


def test_several_patterns_hold_at_once() -> None:
    patterns = (parse("meta.**"), parse("data[*].at"), parse("**.at"))
    assert is_met(descend(patterns, "meta"))
    below = descend(descend(patterns, "data"), 0)
    assert is_met(descend(below, "at"))
    assert not is_met(descend(below, "name"))


def test_patterns_do_not_multiply_with_depth() -> None:
    patterns: Patterns = (parse("**.**.a.**.**.a.**.b"),)
    for _ in range(200):
        patterns = descend(patterns, "a")
    assert len(patterns) < 10


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.", ".a", "a..b", "a b", "[x]", "[-1]", "[01]", "a[", "a]", "***", "a*", '"a', '"\\x"', "a[*]b", "/a"],
)
def test_anything_else_is_no_pattern(text: str) -> None:
    with pytest.raises(PatternError, match=r"is empty|is not a path of fields"):
        parse(text)
