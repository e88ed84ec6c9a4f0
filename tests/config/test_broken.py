"""Every mistake is found: on its line, with its key path, and with what to write instead."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.config.sample import CONTRACT, errors, line_of, replaced


@dataclass(frozen=True)
class Broken:
    """One change of the example and the error it must cause, on the line that holds `new` (or `at`)."""

    name: str
    old: str
    new: str
    path: str
    words: str
    at: str = ""


TABLE = [Broken(**entry) for entry in yaml.safe_load(Path(__file__).with_name("broken.yaml").read_text("utf-8"))]


@pytest.mark.parametrize("broken", TABLE, ids=lambda broken: broken.name)
def test_a_broken_file_is_refused_with_the_line_the_key_and_what_to_write(tmp_path: Path, broken: Broken) -> None:
    text = replaced(CONTRACT, broken.old, broken.new)
    found = errors(tmp_path, text)
    said = [finding for finding in found if finding.path == broken.path and broken.words in finding.message]
    assert len(said) == 1, "\n".join(map(str, found))
    assert said[0].line == line_of(text, broken.at or broken.new.strip())
    assert str(said[0]).startswith(f"{tmp_path}/gateway.yaml:{said[0].line}: {broken.path}: ")


@pytest.mark.parametrize("broken", TABLE, ids=lambda broken: broken.name)
def test_one_mistake_causes_no_chorus(tmp_path: Path, broken: Broken) -> None:
    found = errors(tmp_path, replaced(CONTRACT, broken.old, broken.new))
    # Without the announcement each of the three relative dates is a mistake of its own.
    assert len(found) <= (3 if broken.name == "relative without a start" else 2), "\n".join(map(str, found))
