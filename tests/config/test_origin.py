"""An upstream's endpoints: the forms that are taken, and those that would only fail later, while dialing."""

import pytest

from gateway.config.schema.scalars import MAX_SOCKET_BYTES, origin
from gateway.upstream.address import Address


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://127.0.0.1:80/", "127.0.0.1"),
        ("http://v1", "v1"),
        ("http://v1_blue:9", "v1_blue:9"),
        ("http://V1.Example.:9", "v1.example.:9"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("https://[2001:db8::1]", "[2001:db8::1]"),
        ("https://v1.internal", "v1.internal"),
        ("https://v1.internal:443", "v1.internal"),
        ("https://v1.internal:80", "v1.internal:80"),
        ("https://xn--bcher-kva.example:8443", "xn--bcher-kva.example:8443"),
        ("unix:/run/v1.sock", "localhost"),
        ("unix:/" + "a" * (MAX_SOCKET_BYTES - 1), "localhost"),
    ],
)
def test_an_endpoint_has_an_authority_to_be_asked_for(text: str, authority: str) -> None:
    assert Address.parse(origin(text)).authority == authority


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:8000",
        "ftp://v1",
        "http://",
        "http://:8000",
        "http://v1:0",
        "http://v1:65536",
        "http://v1:x",
        "http://v1/api",
        "http://v1?a",
        "http://v1#a",
        "http://me@v1",
        "http://@v1",
        "http://v1 v2",
        "http://v1\x00",
        "http://b\u00fccher.example",
        "http://v1..example",
        "http://-v1",
        "http://" + "a" * 64,
        "http://" + "a" * 5000 + "!",
        "http://v1,v2",
        "http://v%31",
        "http://[fe80::1%25eth0]:80",
        "http://[v1.a]",
        "unix:",
        "unix:v1.sock",
        "unix:/run/v1.sock?a",
        "unix:/run/v1 .sock",
        "unix:/run/v1\x00.sock",
        "unix:/" + "a" * MAX_SOCKET_BYTES,
        "unix:/" + "\u00fc" * 60,
    ],
)
def test_what_could_never_be_connected_to_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|has no|is too long"):
        origin(text)
