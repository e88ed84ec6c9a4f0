"""Whatever comes in: never a 500, and the same sentence on both sides."""

import gzip
from collections.abc import AsyncIterator

import pytest

from backends.domain.platform import Platform
from tests.backends.both_sides import Answer, BothSides, both_sides

NO_JSON = Answer(422, "the body must be JSON")
NO_NUMBER = Answer(422, "the value must be a finite number")


@pytest.fixture
async def sides(platform: Platform) -> AsyncIterator[BothSides]:
    async with both_sides(platform) as opened:
        yield opened


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_is_not_compressed_as_it_says_is_422(sides: BothSides, encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    assert await sides.of_v1("POST", "/api/favorites", b"not compressed", **headers) == NO_JSON
    assert await sides.of_v2("POST", "/api/v2/watchlist", b"not compressed", **headers) == NO_JSON


async def test_a_small_body_that_unpacks_to_a_huge_one_is_413(sides: BothSides) -> None:
    bomb, headers = gzip.compress(b" " * 20_000_000), {"Content-Encoding": "gzip"}
    assert (await sides.of_v1("POST", "/api/favorites", bomb, **headers)).status == 413
    assert (await sides.of_v2("POST", "/api/v2/watchlist", bomb, **headers)).status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"{}{}",
        b'{"a": 1}//',
        b"[" * 500_000,
        b'{"a":' * 50_000,
        b'{"notes": "\\ud800"}',
        b'{"notes": "\xff"}',
    ],
    ids=["BOM", "UTF-16", "twice", "comment", "deep lists", "deep objects", "half a surrogate", "no UTF-8"],
)
async def test_what_is_no_json_is_422(sides: BothSides, body: bytes) -> None:
    assert await sides.of_v1("PATCH", "/api/favorites/600519", body) == NO_JSON
    assert await sides.of_v2("PATCH", "/api/v2/watchlist/600519", body) == NO_JSON


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("NaN", NO_NUMBER),
        ("Infinity", NO_NUMBER),
        ("1e400", NO_NUMBER),
        ("-1", Answer(422, "the value must be more than 0")),
        ('"5"', Answer(422, "the value must be a number")),
        ("9" * 300, Answer(404, "this stock is not on the watchlist")),
    ],
)
async def test_odd_numbers_are_judged_alike(sides: BothSides, value: str, expected: Answer) -> None:
    legacy = f'{{"alert_price_high": {value}}}'.encode()
    successor = f'{{"alertPriceHigh": {value}}}'.encode()
    assert await sides.of_v1("PATCH", "/api/favorites/600519", legacy) == expected
    assert await sides.of_v2("PATCH", "/api/v2/watchlist/600519", successor) == expected


@pytest.mark.parametrize("value", ["", "0", "-1", "1.5", "1e2", "9" * 30, "9" * 5000, "NaN", "%FF", "%00", "1&page=0"])
async def test_odd_queries_are_judged_alike(sides: BothSides, value: str) -> None:
    legacy = await sides.of_v1("GET", f"/api/stocks?page={value}")
    assert legacy == await sides.of_v2("GET", f"/api/v2/stocks?page={value}")
    assert legacy.status == (200 if value == "1&page=0" else 422)


@pytest.mark.parametrize("name", ["%FF", "%00", "%ED%A0%80", "a%2Fb", "%F0%9F%98%80", "'", "%22", "$ne", "%25", "%"])
async def test_odd_paths_name_nothing(sides: BothSides, name: str) -> None:
    for method, legacy, successor in [
        ("DELETE", "/api/favorites/{}", "/api/v2/watchlist/{}"),
        ("GET", "/api/queue/tasks/{}", "/api/v2/queue/tasks/{}"),
        ("GET", "/api/stocks/{}/kline", "/api/v2/stocks/{}/kline"),
    ]:
        answer = await sides.of_v1(method, legacy.format(name))
        assert answer.status == 404
        assert answer == await sides.of_v2(method, successor.format(name))
