"""What the command line's tests share: running a verb as a process, and a small file to run it on."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AREA = Path(__file__).with_name("area.yaml")
SECRET = "a secret for the command line, long enough for HS256"

type Crossfade = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def crossfade() -> Crossfade:
    """Runs one verb to its end; `file` stands for the small configuration file's arguments."""

    def run(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if name not in {"JWT_SECRET", "COLUMNS"}}
        given = {"JWT_SECRET": SECRET} if environ is None else environ
        return subprocess.run(
            [sys.executable, "-m", "gateway", *arguments],
            cwd=AREA.parent,
            env={**inherited, "PYTHONPATH": str(ROOT), **given},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run
