"""The files that the configuration's tests begin with, and a way to break them."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from gateway.config.load import ConfigError, Finding, Loaded, load
from gateway.config.schema import Config

CONTRACT = Path(__file__).with_name("contract.yaml").read_text(encoding="utf-8")
MINIMAL = Path(__file__).parents[2] / "config" / "minimal.yaml"
SECRET = "0123456789abcdef0123456789ABCDEF-signing"
TOKEN = "ops-token-0123456789abcdef"
ENVIRON: Mapping[str, str] = {"JWT_SECRET": SECRET, "CROSSFADE_ADMIN_TOKEN": TOKEN}
NOW = 1_795_305_600.0  # 2026-11-22T00:00:00Z, before the example's first date


def load_text(folder: Path, text: str, environ: Mapping[str, str] = ENVIRON, now: float = NOW) -> Loaded:
    """Write a configuration file and load it."""
    path = folder / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ, now)


def findings(folder: Path, text: str, environ: Mapping[str, str] = ENVIRON, now: float = NOW) -> list[Finding]:
    """Return everything that is said about a file, whether it loads or not."""
    try:
        return load_text(folder, text, environ, now).warnings
    except ConfigError as error:
        return list(error.findings)


def errors(folder: Path, text: str, environ: Mapping[str, str] = ENVIRON, now: float = NOW) -> list[Finding]:
    """Return the errors of a file."""
    return [finding for finding in findings(folder, text, environ, now) if finding.severity == "error"]


def replaced(text: str, old: str, new: str) -> str:
    """Return the text with the one place where `old` stands changed."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new)


def line_of(text: str, part: str) -> int:
    """Return the number of the one line that holds `part`."""
    numbers = [number for number, line in enumerate(text.splitlines(), 1) if part in line]
    assert len(numbers) == 1, f"{part!r} stands on {numbers}"
    return numbers[0]


def parse(text: str) -> Config:
    """Return the configuration that a text holds, without the checks of a file."""
    return Config.model_validate(yaml.safe_load(text))
