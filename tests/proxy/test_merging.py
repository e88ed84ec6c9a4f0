"""A backend's own Deprecation, Sunset and Link beside ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.http import http_date, parse_http_date
from gateway.proxy.merging import merge, relations
from gateway.wire.line import LineMemo

OURS = (
    ("Deprecation", "@1801353600"),
    ("Sunset", "Tue, 02 Mar 2027 00:00:00 GMT"),
    ("Link", '</api/v2/watchlist>; rel="successor-version", <https://docs.example.com/m>; rel="deprecation"'),
    ("X-Served-By", "v1"),
)
WHOLE = (
    "Deprecation: @1801353600\r\n"
    "Sunset: Tue, 02 Mar 2027 00:00:00 GMT\r\n"
    'Link: </api/v2/watchlist>; rel="successor-version", <https://docs.example.com/m>; rel="deprecation"\r\n'
    "X-Served-By: v1\r\n"
)


def merged(*theirs: str) -> str:
    return merge(LineMemo().parse([line.encode("latin-1") for line in theirs]), OURS)


def test_without_any_of_theirs_ours_are_as_they_were() -> None:
    assert merged("Content-Type: text/plain") == WHOLE


@pytest.mark.parametrize(
    ("theirs", "found"),
    [
        ("Deprecation: @1801353599", "@1801353599"),
        ("Deprecation: @1801353601", "@1801353600"),
        ("Deprecation: @0;note=x", "@0"),
        ("Deprecation: @-5", "@-5"),
        ("Deprecation: true", "@1801353600"),
        ("Deprecation: 1", "@1801353600"),
        ("Deprecation: @1.5", "@1801353600"),
        ("Deprecation: @1, @2", "@1801353600"),
        ("Deprecation: Sun, 31 Jan 2027 00:00:00 GMT", "@1801353600"),
        ("Deprecation:", "@1801353600"),
    ],
)
def test_the_earlier_deprecation_wins_and_what_is_no_date_loses(theirs: str, found: str) -> None:
    assert merged(theirs) == WHOLE.replace("@1801353600", found)


@pytest.mark.parametrize(
    ("theirs", "found"),
    [
        ("Sunset: Mon, 01 Mar 2027 23:59:59 GMT", "Mon, 01 Mar 2027 23:59:59 GMT"),
        ("Sunset: Monday, 01-Mar-27 23:59:59 GMT", "Mon, 01 Mar 2027 23:59:59 GMT"),
        ("Sunset: Mon Mar  1 23:59:59 2027", "Mon, 01 Mar 2027 23:59:59 GMT"),
        ("Sunset: Tue, 02 Mar 2027 00:00:01 GMT", "Tue, 02 Mar 2027 00:00:00 GMT"),
        ("Sunset: 2027-01-01", "Tue, 02 Mar 2027 00:00:00 GMT"),
        ("Sunset: Mon, 31 Feb 2027 00:00:00 GMT", "Tue, 02 Mar 2027 00:00:00 GMT"),
        ("Sunset: @1", "Tue, 02 Mar 2027 00:00:00 GMT"),
    ],
)
def test_the_earlier_sunset_wins_and_what_is_no_date_loses(theirs: str, found: str) -> None:
    assert merged(theirs) == WHOLE.replace("Tue, 02 Mar 2027 00:00:00 GMT", found)


def test_of_several_lines_the_earliest_good_one_wins() -> None:
    assert "Deprecation: @7\r\n" in merged("Deprecation: @9", "Deprecation: @7", "Deprecation: soon")


@pytest.mark.parametrize(
    ("theirs", "links"),
    [
        ('Link: </next>; rel="next"', 2),
        ('Link: </api/v2/watchlist>; rel="successor-version"', 1),
        ("Link: </api/v2/watchlist>; rel=successor-version", 1),
        ('Link: </api/v2/watchlist>; title="a, <b>"; rel="next Successor-Version"', 1),
        ('Link: </api/v2/watchlist>; rel="next"; rel="successor-version"', 2),
        ('Link: </api/v2/watchlist>; rel="successor-version"; anchor="/other"', 2),
        ('Link: </api/v2/Watchlist>; rel="successor-version"', 2),
        ('Link: </a>; rel="next" , <https://docs.example.com/m>;rel="deprecation"', 1),
        ('Link: </api/v2/watchlist>; rel="successor-version', 2),
    ],
)
def test_a_link_that_the_backend_has_is_not_doubled(theirs: str, links: int) -> None:
    assert merged(theirs).count('rel="') == links


def test_when_it_has_all_of_them_we_add_none() -> None:
    theirs = 'Link: </api/v2/watchlist>; rel="successor-version", <https://docs.example.com/m>; rel="deprecation"'
    assert "Link" not in merged(theirs)


@given(st.text(alphabet='<>;,="\\ relnxt*', max_size=300))
def test_no_link_field_confuses_it(text: str) -> None:
    assert all(isinstance(target, str) for target, _ in relations(text))


def test_a_hostile_link_field_is_read_once_only() -> None:
    assert list(relations('<a>"' * 20_000)) == []
    assert list(relations("<a>;" + " " * 100_000 + "<")) == []


@given(st.integers(min_value=0, max_value=4_102_444_800))
def test_every_http_date_that_is_written_can_be_read(seconds: int) -> None:
    assert parse_http_date(http_date(seconds)) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "now", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 +0000"],
)
def test_what_is_no_http_date_is_none(text: str) -> None:
    assert parse_http_date(text) is None
    assert parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777.0
