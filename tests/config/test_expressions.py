"""The adapters' language: each function by a table, mistakes found when the file is read."""

import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.config.expressions import ExpressionError, compile_expression, compile_python

V1_TIME = "%Y-%m-%d %H:%M:%S"


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        ("camel(@)", {"a_b": 1, "a": {"c_d_e": [{"x_y": None}]}}, {"aB": 1, "a": {"cDE": [{"xY": None}]}}),
        ("camel(@)", {"_id": 1, "ma5": 2, "already": 3}, {"_id": 1, "ma5": 2, "already": 3}),
        ("camel(@)", "not_a_key", "not_a_key"),
        ("camel(absent)", {}, None),
        ("snake(@)", {"aB": 1, "a": [{"priceHigh": {"xY": 2}}]}, {"a_b": 1, "a": [{"price_high": {"x_y": 2}}]}),
        ("snake(@)", {"requestId": 1, "ma5": 2, "HTMLBody": 3}, {"request_id": 1, "ma5": 2, "html_body": 3}),
        ("rename(@, `{\"a\": \"b\"}`)", {"a": 1, "c": 2}, {"b": 1, "c": 2}),
        ("rename(@, `{\"a\": \"b\"}`)", [{"a": 1}, {"c": 2}, 3], [{"b": 1}, {"c": 2}, 3]),
        ("rename(@, `{\"a\": \"b\", \"b\": \"a\"}`)", {"a": 1, "b": 2}, {"b": 1, "a": 2}),
        ("rename(absent, `{\"a\": \"b\"}`)", {}, None),
        ("translate(status, `{\"pending\": \"queued\"}`)", {"status": "pending"}, "queued"),
        ("translate(status, `{\"pending\": \"queued\"}`)", {"status": "failed"}, "failed"),
        ("translate(status, `{\"pending\": \"queued\"}`)", {"status": None}, None),
        ("translate(status, `{\"pending\": \"queued\"}`)", {"status": ["pending"]}, ["pending"]),
        (f"format_time(@, '{V1_TIME}')", "2026-11-22T10:00:00.000Z", "2026-11-22 10:00:00"),
        (f"format_time(@, '{V1_TIME}')", "2026-11-22T10:00:00+08:00", "2026-11-22 02:00:00"),
        (f"format_time(@, '{V1_TIME}')", "2026-11-22T10:00:00", "2026-11-22 10:00:00"),
        (f"format_time(@, '{V1_TIME}')", None, None),
        (f"format_time(@, '{V1_TIME}')", "yesterday", "yesterday"),
        (f"format_time(@, '{V1_TIME}')", 7, 7),
        (f"parse_time(@, '{V1_TIME}')", "2026-11-22 10:00:00", "2026-11-22T10:00:00.000Z"),
        (f"parse_time(@, '{V1_TIME}')", None, None),
        (f"parse_time(@, '{V1_TIME}')", "yesterday", "yesterday"),
        ("compact(@)", {"a": None, "b": 0, "c": ""}, {"b": 0, "c": ""}),
        ("compact(absent)", {}, None),
        ("default(a, `5`)", {"a": None}, 5),
        ("default(a, `5`)", {"a": 0}, 0),
        ("default(a, b)", {"b": [1]}, [1]),
        ("@[].{y: format_time(at, '%Y')}", [{"at": "2026-01-01T00:00:00Z"}], [{"y": "2026"}]),
        ("length(@)", [1, 2], 2),
        ("@.missing.deeper", {"a": 1}, None),
    ],
)  # fmt: skip
def test_an_expression_maps_a_value(expression: str, value: Any, expected: Any) -> None:
    assert compile_expression(expression)(value) == expected


def test_what_goes_in_is_left_as_it_was() -> None:
    value = {"a_b": {"c_d": None}}
    compile_expression('compact(rename(camel(@), `{"aB": "x"}`))')(value)
    assert value == {"a_b": {"c_d": None}}


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "is empty"),
        ("a.[", "something is missing at its end"),
        ("a b", "mistake at column 3, near 'b'"),
        ("{a: #}", "mistake at column 5, near '#}'"),
        ("qqq(@)", r"there is no function qqq\(\); known here: abs, "),
        ("snak(@)", "did you mean 'snake'"),
        ("a[?lenght(b) > `1`].c", "did you mean 'length'"),
        ("camel()", r"camel\(\) takes 1 arguments, not 0"),
        ("rename(@)", r"rename\(\) takes 2 arguments, not 1"),
        ("not_null()", "takes 1 arguments, not 0"),
        ("{a: `{`}", "a `literal` that is not JSON"),
        ("`text`", "a `literal` that is not JSON"),
        ("(" * 3000 + "a" + ")" * 3000, "is nested too deeply"),
    ],
)
def test_a_mistake_in_an_expression_is_found_without_running_it(expression: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words):
        compile_expression(expression)


def test_a_variadic_function_takes_more_arguments() -> None:
    assert compile_expression("not_null(a, b, c)")({"c": 1}) == 1


def test_a_python_function_is_imported() -> None:
    assert compile_python("json:loads")("[1]") == [1]
    assert compile_python("os.path:basename")("/a/b") == "b"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("json", "write {python: "),
        ("json:", "write {python: "),
        (":loads", "write {python: "),
        ("../json:loads", "write {python: "),
        ("json:loads()", "write {python: "),
        ("no_such_module_at_all:f", "there is no module 'no_such_module_at_all'"),
        ("json:nope", "the module 'json' has no 'nope'"),
        ("json:__name__", "is not a function"),
        ("broken_adapter:f", "fails when imported: SystemExit"),
    ],
)
def test_a_python_function_that_cannot_be_used_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str, words: str
) -> None:
    (tmp_path / "broken_adapter.py").write_text("raise SystemExit('no')\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(ExpressionError, match=words):
        compile_python(reference)
