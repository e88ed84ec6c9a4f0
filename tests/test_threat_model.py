"""docs/threat-model.md names a test for each of its lines; they are there."""

import ast
import re
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "docs" / "threat-model.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[str]:
    """Every line of the tables that have a column for tests."""
    found: list[str] = []
    has_tests = False
    for line in MODEL.read_text().splitlines():
        if not line.startswith("|"):
            has_tests = False
        elif line.endswith("| test |"):
            has_tests = True
        elif has_tests and not line.startswith("|---"):
            found.append(line)
    return found


@lru_cache
def defined(file: str) -> frozenset[str]:
    """The names of a file's tests; none when there is no such file."""
    path = ROOT / file
    if not path.exists():
        return frozenset()
    tree = ast.parse(path.read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_each_threat_has_a_defence_and_a_test() -> None:
    assert len(rows()) > 40
    assert [row for row in rows() if row.count("|") != 4 or not TEST.search(row.rsplit("|", 2)[1])] == []


def test_each_test_that_is_named_exists() -> None:
    named = TEST.findall(MODEL.read_text())
    assert [f"{file}::{name}" for file, name in named if name not in defined(file)] == []
    assert [name for _, name in named if not name.startswith("test_")] == []
