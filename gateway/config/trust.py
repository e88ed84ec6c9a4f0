"""Whom an upstream's `https://` endpoints are believed to be, and who we are to them: the files, made a TLS context.

Certificates are always verified, for the endpoint's host or `server_name`. It reads files: never call it on the loop.
"""

import ssl
from pathlib import Path

from gateway.config.schema import UpstreamTls


class TrustFaultError(OSError):
    """A file that is no good; `key` is that of the configuration which names it, the message says what to write."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def files(tls: UpstreamTls) -> tuple[Path, ...]:
    """Return the files that the context is made of."""
    return tuple(file for file in (tls.ca, tls.cert, tls.key) if file is not None)


def context(tls: UpstreamTls) -> ssl.SSLContext:
    """Return what connections to these endpoints are made with; raises TrustFaultError.

    With `ca` its certificates alone vouch for a backend, else the system's authorities (or `SSL_CERT_FILE`).
    """
    for key, file in (("ca", tls.ca), ("cert", tls.cert), ("key", tls.key)):
        if file is not None and not file.is_file():
            raise TrustFaultError(key, f"there is no file '{file}'; write the path of a PEM file")
    made = _verifying(tls.ca)
    made.set_alpn_protocols(["http/1.1"])
    if tls.cert is not None:
        _identify(made, tls.cert, tls.key)
    return made


def _verifying(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ValueError) as error:
        message = f"'{ca}' is no PEM file with certificates (-----BEGIN CERTIFICATE-----): {_reason(error)}"
        raise TrustFaultError("ca", message) from None


def _identify(made: ssl.SSLContext, cert: Path, key: Path | None) -> None:
    try:
        # A password would be asked for at the terminal.
        made.load_cert_chain(cert, key, password="")
    except (OSError, ValueError) as error:
        message = f"'{cert}' and '{key}' are no PEM certificate and its key without a password: {_reason(error)}"
        raise TrustFaultError("cert", message) from None


def _reason(error: OSError | ValueError) -> str:
    found = getattr(error, "reason", None) or getattr(error, "strerror", None)
    return str(found or error)
