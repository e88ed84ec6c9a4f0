"""Whose address it is, behind proxies of ours and in spite of what clients write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.http import RequestHead
from gateway.policy.identity import KEY_LENGTH, bounded, client_ip

PEER = "10.0.0.1"


def ip(hops: int, appended: str | None = None, standard: str | None = None) -> str:
    told = (("X-Forwarded-For", appended), ("Forwarded", standard))
    return client_ip(RequestHead.of("GET", "/", [(n, v) for n, v in told if v is not None], PEER), hops)


@pytest.mark.parametrize(
    ("hops", "appended", "expected"),
    [
        (0, "1.1.1.1", PEER),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.9.9.9", "1.1.1.1"),
        (2, "1.1.1.1", PEER),
        (1, "1.1.1.1:4711", "1.1.1.1"),
        (1, "[2001:DB8::1]:4711", "2001:db8::1"),
        (1, "2001:db8:0::1", "2001:db8::1"),
        (1, "::ffff:1.2.3.4", "1.2.3.4"),
        (1, "1.1.1.1,", PEER),
        (1, "unknown", PEER),
        (1, "1.1.1.999", PEER),
        (1, "[2001:db8::1", "2001:db8::1"),
        (1, "[]", PEER),
        (1, "[1.1.1.1]", PEER),
        (1, "1" * 5_000, PEER),
        (1, "", PEER),
    ],
)
def test_x_forwarded_for_is_read_from_the_right(hops: int, appended: str, expected: str) -> None:
    assert ip(hops, appended) == expected


@pytest.mark.parametrize(
    ("hops", "standard", "expected"),
    [
        (0, "for=1.1.1.1", PEER),
        (1, "for=1.1.1.1", "1.1.1.1"),
        (1, "for=6.6.6.6, for=1.1.1.1;proto=https;by=10.0.0.2", "1.1.1.1"),
        (1, 'proto=https; For="[2001:db8::17]:4711"', "2001:db8::17"),
        (1, 'for="1.1.1.1:80"', "1.1.1.1"),
        (2, "for=6.6.6.6, for=1.1.1.1, for=10.9.9.9", "1.1.1.1"),
        (2, "for=1.1.1.1", PEER),
        (1, "for=_hidden", PEER),
        (1, "for=unknown", PEER),
        (1, "for=1.1.1.1;for=2.2.2.2", PEER),
        (1, "proto=https", PEER),
        (1, 'for="', PEER),
        (1, 'for="6.6.6.6, for=1.1.1.1', "1.1.1.1"),
        (1, 'for="6.6.6.6, by=\\", for="1.1.1.1"', "1.1.1.1"),
        (1, "", PEER),
    ],
)
def test_forwarded_is_read_from_the_right_whatever_the_client_quotes(hops: int, standard: str, expected: str) -> None:
    assert ip(hops, standard=standard) == expected


@pytest.mark.parametrize(
    ("appended", "standard", "expected"),
    [
        ("1.1.1.1", "for=1.1.1.1", "1.1.1.1"),
        ("1.1.1.1", "for=6.6.6.6", PEER),
        ("6.6.6.6", "for=1.1.1.1", PEER),
        ("6.6.6.6", "for=_hidden", PEER),
    ],
)
def test_the_field_that_our_proxies_leave_alone_cannot_name_another_address(
    appended: str, standard: str, expected: str
) -> None:
    assert ip(1, appended, standard) == expected


@given(st.integers(1, 3), st.text(max_size=60), st.text(max_size=60))
def test_nothing_that_a_client_writes_reaches_past_what_our_proxy_added(hops: int, appended: str, told: str) -> None:
    ours = ", ".join(["1.1.1.1", *["10.9.9.9"] * (hops - 1)])
    elements = ", ".join(["for=1.1.1.1", *["for=10.9.9.9"] * (hops - 1)])
    assert ip(hops, f"{appended}, {ours}") == "1.1.1.1"
    assert ip(hops, standard=f"{told}, {elements}") == "1.1.1.1"


@given(st.text())
def test_keys_are_short_and_different_keys_stay_different(text: str) -> None:
    assert len(bounded(text)) <= KEY_LENGTH
    assert bounded(f"{text}a") != bounded(f"{text}b")


def test_half_a_surrogate_pair_is_a_key_like_any_other() -> None:
    assert bounded("\ud800" * 100) == bounded("\ud800" * 100)
