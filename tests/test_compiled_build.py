"""The compiled build: when it is made anew, and how one learns which build runs."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import gateway

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def build(tmp_path: Path) -> ModuleType:
    """`compiled/build.py` of a small project with a build of its own sources."""
    (tmp_path / "compiled").mkdir()
    for name in ("build.py", "setup.py"):
        shutil.copy2(ROOT / "compiled" / name, tmp_path / "compiled")
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "one.py").write_text("ONE = 1\n")
    spec = importlib.util.spec_from_file_location("build_of_a_small_project", tmp_path / "compiled" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("compiled", "gateway"):
        shutil.copytree(tmp_path / name, module.TARGET / name)
    (module.TARGET / "dist").mkdir()
    (module.TARGET / "dist" / f"crossfade-0.1.0-{module.TAG}-{module.TAG}-linux_x86_64.whl").touch()
    return module


def test_a_build_of_these_sources_is_kept(build: ModuleType) -> None:
    assert build.is_current()


@pytest.mark.parametrize("name", ["gateway/one.py", "compiled/setup.py"])
def test_a_changed_source_asks_for_another_build(build: ModuleType, name: str) -> None:
    with (build.ROOT / name).open("a") as source:
        source.write("\n")

    assert not build.is_current()


def test_a_new_module_asks_for_another_build(build: ModuleType) -> None:
    (build.ROOT / "gateway" / "two.py").touch()

    assert not build.is_current()


def test_a_module_that_is_gone_asks_for_another_build(build: ModuleType) -> None:
    (build.TARGET / "gateway" / "two.py").touch()

    assert not build.is_current()


def test_a_build_that_was_broken_off_is_none(build: ModuleType) -> None:
    shutil.rmtree(build.TARGET / "dist")

    assert not build.is_current()


def test_a_build_for_another_python_is_none(build: ModuleType) -> None:
    (wheel,) = (build.TARGET / "dist").iterdir()
    wheel.rename(wheel.with_name("crossfade-0.1.0-cp999-cp999-linux_x86_64.whl"))

    assert not build.is_current()


def test_the_version_says_which_build_it_is() -> None:
    is_pure = str(importlib.util.find_spec("gateway.wire.line").origin).endswith(".py")  # type: ignore[union-attr]
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "--version"], capture_output=True, text=True, timeout=60, check=True
    )

    expected = "pure Python" if is_pure else "compiled"
    assert done.stdout == f"crossfade, version {gateway.__version__}, {expected}\n"
