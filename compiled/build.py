"""`make compiled`: a copy of this checkout in var/compiled with the forwarding path compiled, and a wheel of it.

The checkout itself never gets an extension module: one beside its source would win over it, also when it is stale.
With `--if-changed` nothing is done where the copy is already of these very sources.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

import click

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "var" / "compiled"
TAG: Final = f"cp{sys.version_info.major}{sys.version_info.minor}"
COPIED: Final = (
    *("gateway", "backends", "tests", "benchmarks", "config", "docs", "compiled", ".ci"),
    *("setup.cfg", "pyproject.toml", "ruff.toml", "Makefile", "Dockerfile", "compose.yaml"),
    *("README.md", "CHANGELOG.md", "LICENSE", ".python-version", ".gitignore", ".dockerignore"),
    *("requirements.lock", "requirements.runtime.lock"),
)


def main() -> int:
    """Build; return the exit code."""
    if "--if-changed" in sys.argv and is_current():
        return 0
    lacking = _lacking()
    if lacking:
        click.echo(f"The compiled build needs {lacking}; the usual one needs nothing of the kind.", err=True)
        return 1
    shutil.rmtree(TARGET, ignore_errors=True)
    for source in (ROOT / name for name in COPIED):
        if source.exists():  # where only the image's files are, the others are not needed
            _copy(source, TARGET / source.name)
    click.echo("Compiling the forwarding path; this takes a minute or two …")
    done = subprocess.run(
        [sys.executable, "compiled/setup.py", "-q", "build_ext", "--inplace", "bdist_wheel"],
        cwd=TARGET,
        env={**os.environ, "PYTHONPATH": str(TARGET)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        click.echo(done.stdout + done.stderr, err=True)
    else:
        wheel = next((TARGET / "dist").glob("*.whl"))
        click.echo(f"Compiled: {TARGET.relative_to(ROOT)} to run and measure, {wheel.relative_to(ROOT)} to install.")
    return done.returncode


def is_current() -> bool:
    """Return whether var/compiled was built, to the end, for this Python, of the gateway's sources as they are now."""
    is_whole = any((TARGET / "dist").glob(f"*-{TAG}-*.whl"))
    return is_whole and _sources(ROOT) == _sources(TARGET)


def _sources(root: Path) -> dict[Path, bytes]:
    """Return what a build depends on, by its place in the tree."""
    found = [root / "compiled" / "setup.py", *(root / "gateway").rglob("*.py")]
    return {path.relative_to(root): path.read_bytes() for path in found if path.exists()}


def _lacking() -> str | None:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"a C compiler ({compiler} is not to be found)"
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        return "Python's headers (Python.h), which some distributions keep in a package of their own"
    return None


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


if __name__ == "__main__":
    sys.exit(main())
