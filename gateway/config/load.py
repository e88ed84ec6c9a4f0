"""The way in: a file becomes a Config, or a ConfigError with everything that is wrong with it."""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from gateway.config.document import Document, read
from gateway.config.findings import ConfigError, Fault, Finding, dotted
from gateway.config.lint import Known, lint
from gateway.config.nodes import MAX_BYTES, Members, NodeError, parse
from gateway.config.schema import Config
from gateway.config.validate import Validated, validate

__all__ = ["ConfigError", "Finding", "Loaded", "load"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file that may be used. `digest` is its SHA-256 (hex, 12 digits), `text` what it says, `${…}` not filled in.

    `warnings` are notes, too.
    """

    config: Config
    warnings: list[Finding]
    digest: str
    text: str = field(repr=False)


def load(path: Path, environ: Mapping[str, str] = os.environ, now: float | None = None) -> Loaded:
    """Read, fill in, validate and cross-check a file; raises ConfigError with all errors at once.

    `now` (Unix seconds) is what dates are compared with; the system's clock where it is not given.
    """
    raw = _bytes(path)
    try:
        document, faults = _document(raw, environ, path)
    except NodeError as error:
        raise ConfigError([_whole(path, str(error), error.line)]) from None
    checked = validate(document, path.parent)
    if checked.config is not None:
        known = Known.of(document.data)
        moment = time.time() if now is None else now
        faults = [*faults, *_beside_no_cut(lint(checked.config, known, moment), checked)]
    findings = _findings([*document.faults, *checked.faults, *faults], document, path)
    config = checked.config
    if config is None or any(finding.severity == "error" for finding in findings):
        raise ConfigError(findings)
    return Loaded(config, findings, sha256(raw).hexdigest()[:12], raw.decode("utf-8-sig"))


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        what = "is not a file" if path.exists() else "there is no such file"
        raise ConfigError([_whole(path, f"{what}; give the path of a configuration file with -c")])
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError([_whole(path, f"cannot be read: {error.strerror}")]) from None
    if len(raw) > MAX_BYTES:
        raise ConfigError([_whole(path, f"is larger than {MAX_BYTES >> 20} MiB; that is not a configuration file")])
    return raw


def _document(raw: bytes, environ: Mapping[str, str], path: Path) -> tuple[Document, list[Fault]]:
    """Return the data and the faults of the YAML itself."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise NodeError(line, "is not UTF-8 text; save the file as UTF-8") from None
    root, slips = parse(text)
    if root is None:
        raise NodeError(1, "is empty; begin with version: 1 and see config/minimal.yaml")
    if not isinstance(root, Members):
        raise NodeError(root.line, "is not a mapping; write keys such as version:, upstreams: and migrations:")
    document = read(root, environ, path.parent)
    return document, [Fault(slip.path, str(slip), line=slip.line) for slip in slips]


def _beside_no_cut(faults: Iterable[Fault], checked: Validated) -> Iterable[Fault]:
    for fault in faults:
        path = checked.original(fault.path)
        if not checked.is_beside_a_cut(path):
            yield replace(fault, path=path)


def _findings(faults: Iterable[Fault], document: Document, path: Path) -> list[Finding]:
    found = [
        Finding(
            fault.severity,
            dotted(fault.path),
            document.line(fault.path) if fault.line is None else fault.line,
            document.redactor.clean(fault.message),
            str(path),
            fault.rule,
        )
        for fault in faults
    ]
    return sorted(found, key=lambda finding: finding.line)


def _whole(path: Path, message: str, line: int = 1) -> Finding:
    return Finding("error", "", line, message, str(path))
