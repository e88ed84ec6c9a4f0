"""The files around the code: what they promise is there, and fits the command line and each other."""

import configparser
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gateway.cli import main

ROOT = Path(__file__).resolve().parents[1]
VERBS = ("install", "demo", "test", "check", "bench", "clean")
LOCKS = ("requirements.lock", "requirements.runtime.lock")


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def dockerfile() -> list[str]:
    return (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()


def parsed(command: list[str]) -> click.Context:
    """Parse a command line as `crossfade` would; raises click's usage errors."""
    name, *arguments = command
    return main.commands[name].make_context(name, list(arguments))


def test_make_lists_its_verbs() -> None:
    listed = run("make").stdout

    assert [verb for verb in VERBS if re.search(rf"^  make {verb} +\S", listed, re.MULTILINE)] == list(VERBS)


def test_an_old_python_is_refused_with_the_way_out(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\necho 3.11.7\nexit 1\n")
    old.chmod(0o755)

    done = run(".ci/python-version", str(old))

    assert done.returncode == 1
    assert "needs Python 3.13 or newer" in done.stderr
    assert "3.11.7" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_a_missing_python_is_refused_with_the_way_out(tmp_path: Path) -> None:
    done = run(".ci/python-version", str(tmp_path / "nowhere"))

    assert done.returncode == 1
    assert "not to be had" in done.stderr


def test_the_scripts_of_the_checks_can_be_run() -> None:
    assert [name for name in ("run", "audit", "python-version") if not os.access(ROOT / ".ci" / name, os.X_OK)] == []


def test_what_the_checks_run_is_what_make_offers() -> None:
    called = re.findall(r"^make (\w+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)

    assert called == ["check", "test"]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_versions_with_hashes_and_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()

    assert not re.search(r"://|--index-url|--find-links|@ ", text)
    blocks = re.findall(r"^(\S+==\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", text, re.MULTILINE)
    assert len(blocks) == len(re.findall(r"^[A-Za-z]", text, re.MULTILINE)) > 20


def test_every_dependency_is_locked_in_a_version_that_setup_cfg_allows() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    run_time = [*setup["options"]["install_requires"].split("\n"), *setup["options.extras_require"]["demo"].split("\n")]
    every = [*run_time, *setup["options.extras_require"]["test"].split("\n")]

    assert unlocked(every, "requirements.lock") == []
    assert unlocked(run_time, "requirements.runtime.lock") == []


def test_both_locks_have_the_same_versions() -> None:
    everything, run_time = (locked(lock) for lock in LOCKS)

    assert run_time.items() <= everything.items()


def locked(lock: str) -> dict[str, str]:
    pairs = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pairs}


def unlocked(lines: list[str], lock: str) -> list[str]:
    versions = locked(lock)
    wanted = [Requirement(line) for line in lines if line.strip()]
    return [
        str(one)
        for one in wanted
        if (version := versions.get(canonicalize_name(one.name))) is None or version not in one.specifier
    ]


def test_compose_has_the_whole_system_with_health_checks(compose: Any) -> None:
    services = compose["services"]

    assert set(services) == {"gateway", "v1", "v2", "mongo", "redis", "prometheus"}
    # The gateway's own check is in the image.
    assert {name for name, service in services.items() if "healthcheck" in service} == {"v1", "v2", "mongo", "redis"}
    assert services["mongo"]["image"] == "mongo:7"
    assert services["redis"]["image"] == "redis:7"


def test_compose_starts_commands_that_exist(compose: Any) -> None:
    commands = [service["command"] for service in compose["services"].values() if service["image"] == "crossfade"]

    sides = [parsed(command).params.get("side") for command in commands]

    assert sides == [None, "v1", "v2"]


def test_compose_publishes_on_this_machine_only_and_holds_no_secret(compose: Any) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    environments = [service.get("environment", {}) for service in compose["services"].values()]
    secrets = [value for each in environments for name, value in each.items() if re.search("SECRET|TOKEN", name)]

    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    assert len(secrets) == 4
    assert [value for value in secrets if not re.fullmatch(r"\$\{\w+:\?.+\}", value)] == []


def test_compose_waits_only_for_services_that_can_be_healthy(compose: Any) -> None:
    services = compose["services"]
    waited_for = {name for service in services.values() for name in service.get("depends_on", {})}

    assert waited_for <= {name for name, service in services.items() if "healthcheck" in service} | {"gateway"}


def test_compose_sets_only_what_the_reference_file_reads(compose: Any) -> None:
    reads = set(re.findall(r"\$\{(\w+)", (ROOT / "config" / "gateway.yaml").read_text()))

    assert set(compose["services"]["gateway"]["environment"]) <= reads


def test_prometheus_scrapes_the_admin_listener() -> None:
    scraping = yaml.safe_load((ROOT / "config" / "prometheus" / "prometheus.yml").read_text())

    assert scraping["scrape_configs"][0]["static_configs"][0]["targets"] == ["gateway:9901"]


def test_the_image_is_built_in_stages_and_runs_as_nobody_special(dockerfile: list[str]) -> None:
    words = [line.split()[0] for line in dockerfile if line and not line.startswith((" ", "#"))]

    assert words.count("FROM") == 2
    assert {"USER", "HEALTHCHECK", "ENTRYPOINT"} <= set(words[words.index("FROM", 1) :])
    assert "USER crossfade" in dockerfile
    assert any("--require-hashes -r requirements.runtime.lock" in line for line in dockerfile)


def test_the_image_copies_only_what_the_build_context_has(dockerfile: list[str]) -> None:
    sources = [
        source
        for line in dockerfile
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    sent = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}

    assert set(sources) <= sent
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_image_starts_a_command_that_exists(dockerfile: list[str]) -> None:
    (command,) = [yaml.safe_load(line.removeprefix("CMD ")) for line in dockerfile if line.startswith("CMD ")]

    assert parsed(command).params == {"path": Path("/app/config/gateway.yaml")}


def test_the_image_holds_what_was_compiled_and_tested(dockerfile: list[str]) -> None:
    (making,) = [line for line in dockerfile if "compiled/build.py" in line]
    tested = making.partition("-m pytest")[2].split()
    installed = [line for line in dockerfile if line.startswith("RUN ") and "var/compiled/dist/" in line]

    assert making.startswith("RUN python compiled/build.py")
    assert [name for name in tested if name.startswith("tests/") and not (ROOT / name).is_dir()] == []
    assert {"tests/wire", "tests/conformance"} <= set(tested)
    assert len(installed) == 1
    assert dockerfile.index(installed[0]) > dockerfile.index(making)
