"""Signatures: HMAC as everybody else computes it."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.signature import CHECKS

DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


@pytest.mark.parametrize("name", DIGESTS)
@given(secret=st.binary(max_size=300), signed=st.binary(max_size=600))
def test_an_hmac_is_the_one_that_the_standard_library_computes(name: str, secret: bytes, signed: bytes) -> None:
    assert CHECKS[name](secret, signed, hmac.digest(secret, signed, DIGESTS[name]))


@pytest.mark.parametrize("name", DIGESTS)
@given(data=st.data())
def test_an_hmac_that_differs_in_one_bit_or_in_its_length_is_refused(name: str, data: st.DataObject) -> None:
    right = hmac.digest(b"s" * 64, b"signed", DIGESTS[name])
    position = data.draw(st.integers(0, 8 * len(right) - 1))
    flipped = bytearray(right)
    flipped[position // 8] ^= 1 << position % 8
    for wrong in (bytes(flipped), right[: position // 8], right + b"\0"):
        assert not CHECKS[name](b"s" * 64, b"signed", wrong)


def test_secrets_beyond_those_that_are_remembered_are_told_apart() -> None:
    secrets = [b"%064d" % number for number in range(200)]
    signatures = [hmac.digest(secret, b"signed", "sha256") for secret in secrets]
    for _ in range(2):
        assert all(CHECKS["HS256"](secret, b"signed", made) for secret, made in zip(secrets, signatures, strict=True))
        assert not CHECKS["HS256"](secrets[0], b"signed", signatures[1])
