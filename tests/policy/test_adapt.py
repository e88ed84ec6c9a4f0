"""Translating queries, bodies and statuses."""

import pytest

from gateway.config.snapshot import Endpoint, Snapshot
from gateway.config.translation import Adapter
from gateway.policy.adapt import (
    AdaptError,
    adapt_answer,
    adapt_query,
    adapt_request,
    adapt_status,
    wants_answer_body,
    wants_request_body,
)


def adapter(snapshot: Snapshot, label: str) -> Adapter:
    found = next(endpoint for endpoint in snapshot.endpoints if endpoint.label == label).adapter
    assert found is not None
    return found


@pytest.fixture
def items(snapshot: Snapshot) -> Adapter:
    return adapter(snapshot, "GET /api/favorites")


@pytest.fixture
def add(snapshot: Snapshot) -> Adapter:
    return adapter(snapshot, "POST /api/favorites")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ""),
        ("page=2&page_size=50", "page=2&pageSize=50"),
        ("page_size=5", "pageSize=5"),
        ("page=1&page=2", "page=1&page=2"),
        ("page=%E8%8C%85+x", "page=%E8%8C%85+x"),
        ("unknown=1", ""),
    ],
)
def test_a_query_gets_the_successors_names(items: Adapter, query: str, expected: str) -> None:
    assert adapt_query(items, query) == expected


def test_a_query_without_an_expression_is_untouched(add: Adapter) -> None:
    assert adapt_query(add, "a=%7e&b&c==") == "a=%7e&b&c=="
    assert adapt_query(None, "a=%7e") == "a=%7e"


def test_a_request_body_is_translated(add: Adapter) -> None:
    assert adapt_request(add, b'{"stock_code": "600519", "x": 1}') == b'{"symbol":"600519"}'


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\xfe", b'{"stock_code":'])
def test_a_body_that_cannot_be_translated_goes_on_untouched(add: Adapter, body: bytes) -> None:
    assert adapt_request(add, body) == body


def test_a_success_and_an_error_are_translated_differently(items: Adapter) -> None:
    success = b'{"success": true, "data": [{"symbol": "600519"}], "meta": {}}'
    assert adapt_answer(items, 200, success) == b'{"success":true,"message":"ok","data":[{"stock_code":"600519"}]}'
    assert adapt_answer(items, 404, b'{"error": {"message": "no such item"}}') == b'{"detail":"no such item"}'


def test_an_answer_that_is_not_json_stays_as_it_is(items: Adapter) -> None:
    assert adapt_answer(items, 502, b"<html>") == b"<html>"


def test_statuses_are_mapped_by_kind_of_answer(items: Adapter, add: Adapter) -> None:
    assert [adapt_status(items, status) for status in (200, 409, 404)] == [200, 400, 404]
    assert [adapt_status(add, status) for status in (201, 409)] == [200, 409]
    assert adapt_status(None, 201) == 201


def test_only_messages_with_a_transform_are_held(items: Adapter, add: Adapter) -> None:
    assert (wants_request_body(items), wants_request_body(add), wants_request_body(None)) == (False, True, False)
    assert (wants_answer_body(items, 200), wants_answer_body(add, 201), wants_answer_body(add, 400)) == (
        True,
        False,
        False,
    )


def test_a_failing_transform_names_the_adapter(snapshot: Snapshot) -> None:
    endpoint: Endpoint = snapshot.endpoints[0]
    broken = Adapter("broken", response=endpoint.adapter.response if endpoint.adapter else None)
    assert broken.response is not None

    def explode(_: object) -> object:
        raise ValueError("no")

    failing = Adapter("broken", response=type(broken.response)(transform=explode))
    with pytest.raises(AdaptError, match="adapter broken failed"):
        adapt_answer(failing, 200, b"{}")
