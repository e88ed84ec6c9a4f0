"""`crossfade demo` as a visitor has it: whole processes, pasted lines, Ctrl-C."""

import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from tests.scenarios.processes import Process

PORTS = ("--port", "0", "--admin-port", "0")
STATUS_LINE = (
    r"^\d\d:\d\d:\d\d +\d+ req/s +v1 +\d+ % +v2 +\d+ % +errors (\d+)  p50 \S+( ms)?  p95 \S+( ms)?  streams \d+"
)

type Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts demos in a directory of their own, and ends what a test has left."""
    started: list[Process] = []

    def begin(*arguments: str, **environ: str) -> Process:
        started.append(Process("demo", *PORTS, *arguments, environ=environ, cwd=tmp_path))
        return started[-1]

    yield begin
    for process in started:
        process.stop()


def ready(demo: Process) -> Sequence[psutil.Process]:
    """Wait for the greeting, and return every process of the demo."""
    demo.find("Ctrl-C ends all of it")
    return psutil.Process(demo.pid).children(recursive=True)


def survivors(processes: Sequence[psutil.Process], seconds: float = 10) -> list[psutil.Process]:
    """Return who is still there after a while; a dead one that nobody has waited for is not."""
    deadline = time.monotonic() + seconds
    while (left := [process for process in processes if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command_of(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_five_lines_work_when_pasted(start: Start) -> None:
    demo = start()
    ready(demo)

    lines = [line for line in demo.lines if line.startswith("curl ")]
    answers = [
        subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=20, check=True).stdout
        for line in lines
    ]

    assert [answer.split()[1] for answer in answers] == ["200", "200", "404", "401", "200"]
    assert ["X-Served-By: v1" in answers[0], "X-Served-By: v2" in answers[1]] == [True, True]
    assert "\nDeprecation: @" in answers[0]


def test_traffic_prints_a_status_line_a_second_without_errors(start: Start) -> None:
    demo = start("--traffic", "50")
    ready(demo)

    demo.find(STATUS_LINE)
    seen = len(demo.lines)
    found = [demo.find(STATUS_LINE, after=seen + more)[1] for more in range(3)]

    assert found == ["0", "0", "0"]


def test_ctrl_c_leaves_no_process_and_no_file_behind(start: Start, tmp_path: Path) -> None:
    demo = start("--traffic", "20")
    processes = ready(demo)
    assert len(processes) == 5  # the cache's keeper, valkey-server, v1, v2 and the gateway

    demo.signal(signal.SIGINT)

    assert demo.wait() == 0
    assert survivors(processes, seconds=0) == []
    assert list((tmp_path / "var").glob("*.db*")) == []


def test_sigterm_while_it_starts_ends_it_as_well(start: Start) -> None:
    demo = start()
    demo.find("Starting the cache")
    demo.signal(signal.SIGTERM)

    assert demo.wait() == 0
    assert "Traceback" not in "\n".join(demo.lines)


def test_a_killed_demo_takes_its_processes_along(start: Start) -> None:
    demo = start()
    processes = ready(demo)

    demo.signal(signal.SIGKILL)

    assert survivors(processes) == []


def test_a_process_that_dies_ends_the_demo_with_its_name(start: Start) -> None:
    demo = start()
    processes = ready(demo)

    next(process for process in processes if "backend v2" in command_of(process)).kill()

    assert demo.wait() == 1
    demo.find(r"^Error: v2 was ended by SIGKILL\.$")
    demo.find("Its last log lines:")
    assert survivors(processes) == []


def test_a_gateway_that_cannot_start_is_explained_by_its_log(start: Start) -> None:
    demo = start(CROSSFADE_ANNOUNCED="someday")

    assert demo.wait() == 1
    demo.find(r"^Error: gateway ended with code 2\.$")
    demo.find(r"migrations\.watchlist\.deprecation\.announced")


def test_kept_files_are_there_for_the_next_demo_and_keep_a_second_one_away(start: Start, tmp_path: Path) -> None:
    demo = start("--keep")
    ready(demo)

    second = start("--keep")
    assert second.wait() == 1
    second.find("Another demo is using")

    assert demo.stop() == 0
    assert (tmp_path / "var" / "demo.db").is_file()


def test_a_taken_port_is_named_with_the_way_out(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = start("--port", str(port))

        assert demo.wait() == 1
        demo.find(rf"Port {port} on 127\.0\.0\.1 is taken\..*--port {port + 1}")


def test_a_secret_from_the_environment_is_used_and_not_shown(start: Start) -> None:
    secret = "a secret from the environment, long enough"
    demo = start(JWT_SECRET=secret)
    ready(demo)

    printed = "\n".join(demo.lines)
    assert secret not in printed
    assert not re.search(r"^JWT_SECRET", printed, re.MULTILINE)
    assert re.search(r"^CROSSFADE_ADMIN_TOKEN +[0-9a-f]{64}$", printed, re.MULTILINE)
