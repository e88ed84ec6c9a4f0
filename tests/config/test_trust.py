"""`upstreams.NAME.tls`: files that are no good are found when the file is checked, each with what to write."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.config.sample import CONTRACT, errors, replaced
from tests.support.certificate import Authority, write_certificate

V2 = "v2: {endpoints: [http://127.0.0.1:3001]"


def faults(folder: Path, tls: str, origin: str = "https://v2.internal") -> list[tuple[str, str]]:
    text = replaced(CONTRACT, V2, f"v2: {{tls: {tls}, endpoints: [{origin}]")
    return [
        (finding.path.removeprefix("upstreams.v2.tls").lstrip("."), finding.message) for finding in errors(folder, text)
    ]


def test_files_of_a_private_authority_are_accepted(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    authority.issue("client")
    assert faults(tmp_path, "{ca: ca.crt, server_name: v2.internal, cert: client.crt, key: client.key}") == []
    assert faults(tmp_path, "{server_name: 127.0.0.1}") == []


@pytest.mark.parametrize(
    ("tls", "key", "words"),
    [
        ("{ca: nowhere.pem}", "ca", "there is no file"),
        ("{ca: text}", "ca", "no PEM file with certificates"),
        ("{ca: a.key}", "ca", "no PEM file with certificates"),
        ("{cert: nowhere.pem, key: a.key}", "cert", "there is no file"),
        ("{cert: a.crt, key: nowhere.pem}", "key", "there is no file"),
        ("{cert: a.crt}", "cert", "needs its key beside it"),
        ("{key: a.key}", "key", "needs its cert beside it"),
        ("{cert: a.crt, key: b.key}", "cert", "no PEM certificate and its key"),
        ("{cert: a.crt, key: locked.key}", "cert", "without a password"),
        ("{server_name: 'v1:443'}", "server_name", "is not a host"),
        ("{server_name: 'v1 v2'}", "server_name", "is not a host"),
        ("{verify: false}", "verify", "is not a known key"),
    ],
)
def test_what_is_no_good_is_named(tmp_path: Path, tls: str, key: str, words: str) -> None:
    (tmp_path / "text").write_text("no certificate")
    for name in ("a", "b"):
        write_certificate(tmp_path, name)
    _lock(tmp_path)
    ((found, message),) = faults(tmp_path, tls)
    assert found == key
    assert words in message


def _lock(folder: Path) -> None:
    key = serialization.load_pem_private_key((folder / "a.key").read_bytes(), None)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "locked.key").write_bytes(key.private_bytes(*form, serialization.BestAvailableEncryption(b"secret")))


def test_without_an_https_endpoint_it_would_mean_nothing(tmp_path: Path) -> None:
    ((path, message),) = faults(tmp_path, "{server_name: v2.internal}", "http://127.0.0.1:3001")
    assert path == ""
    assert "https://" in message
