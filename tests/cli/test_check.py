"""`crossfade check`."""

import json
from pathlib import Path

from .conftest import AREA, Crossfade


def test_a_valid_file_is_summed_up_in_one_line(crossfade: Crossfade) -> None:
    done = crossfade("check", "-c", "area.yaml")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("area.yaml is valid: 1 migration, 2 endpoints, 1 route, ")


def test_every_error_of_a_broken_file_is_named_with_its_line(crossfade: Crossfade, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(AREA.read_text().replace("percent: 10", "percent: 110").replace("legacy: v1", "legacy: v9"))

    done = crossfade("check", "-c", str(broken))

    assert (done.returncode, done.stdout) == (2, "")
    percent = AREA.read_text().splitlines().index("      percent: 10") + 1
    upstream = AREA.read_text().splitlines().index("    legacy: v1") + 1
    assert f"{broken}:{percent}: migrations.watchlist.rollout.percent: " in done.stderr
    assert f"{broken}:{upstream}: migrations.watchlist.legacy: " in done.stderr
    assert done.stderr.splitlines()[-1] == f"{broken} cannot be used: 2 errors."


def test_a_secret_missing_from_the_environment_is_an_error(crossfade: Crossfade) -> None:
    done = crossfade("check", "-c", "area.yaml", environ={})

    assert done.returncode == 2
    assert "JWT_SECRET is not set" in done.stderr


def test_a_file_that_is_not_there_is_said_so(crossfade: Crossfade) -> None:
    done = crossfade("check", "-c", "nowhere.yaml")

    assert done.returncode == 2
    assert "nowhere.yaml:1: there is no such file" in done.stderr


def test_the_schema_is_printed_without_a_file(crossfade: Crossfade) -> None:
    done = crossfade("check", "--schema")

    assert done.returncode == 0
    assert "migrations" in json.loads(done.stdout)["properties"]


def test_without_a_file_the_command_line_is_refused(crossfade: Crossfade) -> None:
    done = crossfade("check")

    assert done.returncode == 2
    assert "Name the file to check with -c FILE" in done.stderr
