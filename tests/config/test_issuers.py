"""Issuers of tokens and where their keys come from: what the file may say, and what becomes of it."""

from pathlib import Path

import pytest

from gateway.config.compile import compile_snapshot
from gateway.config.issuer import Issuer, KeyServer
from tests.config.sample import CONTRACT, findings, line_of, load_text, replaced

URL = "https://id.example.com/keys"
NO_JWKS = "jwks: null "
NO_AUDIENCE = "audience: null"
ONE_KEY = 'keys: [{alg: HS256, secret: "${JWT_SECRET}"}]'


def _issuers(folder: Path, text: str) -> tuple[Issuer, ...]:
    return compile_snapshot(load_text(folder, text).config).auth.issuers


def _said(folder: Path, *pairs: tuple[str, str]) -> list[tuple[str, str, str]]:
    """Return severity, key path and message of what is said about the example once it is changed."""
    text = CONTRACT
    for old, new in pairs:
        text = replaced(text, old, new)
    before = {(finding.path, finding.message) for finding in findings(folder, CONTRACT)}
    found = findings(folder, text)
    assert all(finding.line > 0 for finding in found)
    new = [finding for finding in found if (finding.path, finding.message) not in before]
    return [(finding.severity, finding.path, finding.message) for finding in new]


def test_keys_and_published_keys_may_stand_side_by_side(tmp_path: Path) -> None:
    (issuer,) = _issuers(tmp_path, replaced(CONTRACT, NO_JWKS, f"jwks: {{url: {URL}, refresh: 10m}} "))
    assert (issuer.name, issuer.audience, len(issuer.keys)) == ("tacn", None, 1)
    assert issuer.jwks == KeyServer(URL, 600.0, 1.0)


def test_the_cooldown_is_never_longer_than_the_refresh(tmp_path: Path) -> None:
    (issuer,) = _issuers(tmp_path, replaced(CONTRACT, NO_JWKS, f"jwks: {{url: {URL}, refresh: 500ms}} "))
    assert issuer.jwks == KeyServer(URL, 0.5, 0.5)


def test_more_issuers_take_the_audience_that_they_do_not_have(tmp_path: Path) -> None:
    issuers = f"[{{issuer: a, jwks: {{url: {URL}}}}}, {{issuer: b, jwks: {{url: {URL}}}, audience: c}}]"
    found = _issuers(tmp_path, replaced(CONTRACT, NO_AUDIENCE, f"audience: api\n    issuers: {issuers}"))
    assert [(issuer.name, issuer.audience) for issuer in found] == [("tacn", "api"), ("a", "api"), ("b", "c")]


def test_issuers_alone_are_enough(tmp_path: Path) -> None:
    text = replaced(CONTRACT, NO_AUDIENCE, f"issuers: [{{issuer: a, jwks: {{url: {URL}}}}}]")
    text = replaced(replaced(text, ONE_KEY, "keys: []"), "issuer: tacn", "issuer: null")
    assert [issuer.name for issuer in _issuers(tmp_path, text)] == ["a"]


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (
            [(NO_AUDIENCE, f"issuers: [{{issuer: a, jwks: {{url: {URL}}}}}]"), ("issuer: tacn", "issuer: null")],
            ("error", "auth.jwt.issuer", "is missing: with more than one issuer, tokens are told apart by their iss"),
        ),
        (
            [(NO_AUDIENCE, f"issuers: [{{issuer: tacn, jwks: {{url: {URL}}}}}]")],
            ("error", "auth.jwt.issuers[0].issuer", "'tacn' is listed already; give all its keys in one place"),
        ),
        (
            [(NO_AUDIENCE, "issuers: [{issuer: a}]")],
            (
                "error",
                "auth.jwt.issuers[0].keys",
                'has no key; write keys: [{alg: HS256, secret: "${JWT_SECRET}"}]',
            ),
        ),
        (
            [(NO_AUDIENCE, "issuers: [{issuer: a, keys: [{alg: RS256, public_key: k.pem}]}]")],
            ("error", "auth.jwt.issuers[0].keys[0].public_key", "there is no file"),
        ),
        (
            [(NO_JWKS, "jwks: {url: http://id.example.com/keys} ")],
            ("warning", "auth.jwt.jwks.url", "is fetched without TLS"),
        ),
        (
            [(NO_JWKS, "jwks: {url: https://me:secret@id.example.com/keys} ")],
            ("error", "auth.jwt.jwks.url", "holds a name or password"),
        ),
        ([(NO_JWKS, "jwks: {url: file:///etc/keys} ")], ("error", "auth.jwt.jwks.url", "is not a URL")),
    ],
)
def test_what_cannot_work_is_said(tmp_path: Path, pairs: list[tuple[str, str]], expected: tuple[str, str, str]) -> None:
    ((severity, path, message),) = _said(tmp_path, *pairs)
    assert (severity, path) == expected[:2]
    assert expected[2] in message


def test_a_fault_in_an_issuer_has_its_line(tmp_path: Path) -> None:
    text = replaced(CONTRACT, NO_AUDIENCE, "issuers:\n      - issuer: a\n        jwks: {url: ftp://keys}")
    (fault,) = [finding for finding in findings(tmp_path, text) if finding.severity == "error"]
    assert fault.line == line_of(text, "ftp://keys")
