"""What changes in a message, derived from the adapter's expression."""

import pytest

from gateway.cli.guide.change import Change, Versions, answer_changes, request_changes
from gateway.cli.guide.curl import curl
from gateway.config.adapters import compile_adapter
from gateway.config.schema import Adapter

NAMES = Versions("v1", "v2")


def of_answer(expression: object) -> list[Change]:
    adapter = compile_adapter("x", Adapter.model_validate({"response": {"body": expression}}))
    return answer_changes(adapter.response, NAMES)


def of_request(expression: object) -> list[Change]:
    adapter = compile_adapter("x", Adapter.model_validate({"request": {"body": expression}}))
    assert adapter.request is not None
    return request_changes(adapter.request.transform, adapter.request.source, NAMES)


def translated(body: object) -> object:
    """Wrap the message, and say so
    in two lines."""
    return {"data": body}


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("{a: b}", [("a", "b", "")]),
        ("{a: b.c}", [("a", "b.c", "")]),
        ("{a: b | c}", [("a", "b.c", "")]),
        ("{data: data[].{a: b}}", [("data[].a", "data[].b", "")]),
        ("{data: data[*].{a: b}}", [("data[].a", "data[].b", "")]),
        ("{data: {items: data.items[].{x: y.z}, n: meta.total}}", [
            ("data.items[].x", "data.items[].y.z", ""), ("data.n", "meta.total", ""),
        ]),
        ("data.{a: b}", [("a", "data.b", "")]),
        ("{a: `null`}", [("a", "", "always `null` in v1; nothing in v2 corresponds to it")]),
        ("{a: format_time(b, '%Y')}", [("a", "b", "v1: `%Y` in UTC; v2: ISO 8601")]),
        ('{s: translate(s, `{"new": "old"}`)}', [("s", "s", 'v2\'s `"new"` was `"old"`')]),
        ("{a: default(b, `0`)}", [("a", "b", "null in v2 was `0`")]),
        ("{a: compact(b)}", [("a", "b", "v1: without members that are null")]),
        ("{d: snake(data)}", [("d.…", "data.…", "the other names: snake_case in v1, camelCase in v2")]),
        ('rename(snake(data), `{"max_watch": "max_favs"}`)', [
            ("max_favs", "data.maxWatch", "renamed"),
            ("…", "data.…", "the other names: snake_case in v1, camelCase in v2"),
        ]),
        ("snake(data).{a: one_two}", [
            ("a.…", "data.oneTwo.…", "the other names: snake_case in v1, camelCase in v2"),
        ]),
        ("@", [("…", "…", "")]),
        ("{a: length(b)}", [("a", "", "computed (length())")]),
        ("{a: b || c}", [("a", "", "computed (or expression)")]),
        ("{a: b[?c].d}", [("a", "", "computed (filter projection)")]),
        ("{a: b[0].c}", [("a", "b[0].c", "")]),
            ("{a: length(b).c}", [("a", "", "computed (length())")]),
        ("{a: [b, c]}", [("a", "", "computed (multi select list)")]),
        ("{a: {b: c}.b}", [("a", "c", "")]),
    ],
)  # fmt: skip
def test_an_answers_members_and_where_they_come_from(expression: str, rows: list[tuple[str, str, str]]) -> None:
    assert [(change.before, change.after, change.note) for change in of_answer(expression)] == rows


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("{symbol: stock_code}", [("stock_code", "symbol", "")]),
        ("{kind: 'x'}", [("", "kind", 'send `"x"`')]),
        ("{n: default(n, `1`)}", [("n", "n", "`1` where it was left out")]),
        ("{t: parse_time(t, '%d')}", [("t", "t", "v1: `%d` in UTC; v2: ISO 8601")]),
        ('{s: translate(s, `{"old": "new"}`)}', [("s", "s", '`"old"` becomes `"new"`')]),
        ('rename(camel(@), `{"stockCode": "symbol"}`)', [
            ("stock_code", "symbol", "renamed"),
            ("…", "…", "the other names: snake_case in v1, camelCase in v2"),
        ]),
        ('rename(@, `{"a": "b"}`)', [("a", "b", "renamed"), ("…", "…", "as it was")]),
    ],
)  # fmt: skip
def test_a_requests_members_and_where_they_go(expression: str, rows: list[tuple[str, str, str]]) -> None:
    assert [(change.before, change.after, change.note) for change in of_request(expression)] == rows


def test_a_function_speaks_by_its_docstring() -> None:
    (change,) = of_answer({"python": f"{__name__}:translated"})
    assert change.note == f"translated by `{__name__}:translated`: Wrap the message, and say so in two lines."


@pytest.mark.parametrize(
    ("call", "command"),
    [
        (("GET", "/a/{id}", (), None), 'curl "$API/a/$ID"'),
        (("GET", "/a", ("page", "pageSize"), None), 'curl "$API/a?page=$PAGE&pageSize=$PAGE_SIZE"'),
        (("GET", "/a/{rest*}", (), None), 'curl "$API/a/$REST"'),
        (("DELETE", "/a", (), None), 'curl -X DELETE "$API/a"'),
        (("POST", "/a", (), ("x",)), 'curl -X POST -H "Content-Type: application/json" -d \'{"x": "…"}\' "$API/a"'),
        (("POST", "/a", (), ()), 'curl -X POST -H "Content-Type: application/json" -d @body.json "$API/a"'),
    ],
)
def test_a_call_is_a_command_that_can_be_filled_in(
    call: tuple[str, str, tuple[str, ...], tuple[str, ...] | None], command: str
) -> None:
    assert curl(*call, needs_token=False) == command
    assert curl("GET", "/", (), None, needs_token=True) == 'curl -H "Authorization: Bearer $TOKEN" "$API/"'
