"""What is said about a configuration file, and where it points."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

type KeyPath = tuple[str | int, ...]
"""Keys and list positions from the root of the file."""

type Severity = Literal["error", "warning", "note"]

PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong or risky, before it is known where in the file it stands; `line` where that is known.

    `rule` is the name that the file may allow it by, empty for what cannot be allowed.
    """

    path: KeyPath
    message: str
    severity: Severity = "error"
    line: int | None = None
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or risky. `path` is like `migrations.watchlist.rollout.percent`; lines start at 1.

    Its message never holds a value that came from the environment or from a secret's file.
    """

    severity: Severity
    path: str
    line: int
    message: str
    file: str
    rule: str = ""

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        rule = f" [{self.rule}]" if self.rule else ""
        return f"{self.file}:{self.line}: {path}{self.message}{rule}"


class ConfigError(Exception):
    """A file that cannot be used; `findings` holds every error of it, and its warnings."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


def dotted(path: KeyPath) -> str:
    """Return a key path as people write it: `endpoints[0].legacy`, `sse."/api/stream"`."""
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part}]"
        else:
            key = part if PLAIN_KEY.fullmatch(part) else f'"{part}"'
            written += f".{key}" if written else key
    return written


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return what to write instead of a word that is not known: the nearest one, or all of them."""
    candidates = sorted(known)
    near = difflib.get_close_matches(word.lower(), candidates, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known here: {_some(candidates)}" if candidates else "there are none"


def _some(words: Sequence[str], most: int = 16) -> str:
    shown = ", ".join(words[:most])
    return shown if len(words) <= most else f"{shown}, …"
