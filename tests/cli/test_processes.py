"""`crossfade run` and `crossfade backend` as operators start them, and what they say when they cannot."""

import signal
import socket
from pathlib import Path

from tests.scenarios.processes import Process

from .conftest import AREA, SECRET, Crossfade


def test_the_gateway_says_where_it_listens_and_ends_on_sigterm() -> None:
    gateway = Process("run", "-c", str(AREA), environ={"JWT_SECRET": SECRET})
    try:
        gateway.find(r"public endpoint: http://127\.0\.0\.1:\d+$")
        gateway.find(r"admin listener: http://127\.0\.0\.1:\d+$")
        gateway.signal(signal.SIGTERM)

        assert gateway.wait() == 0
    finally:
        gateway.stop()


def test_a_broken_file_ends_the_gateway_with_code_2(crossfade: Crossfade) -> None:
    done = crossfade("run", "-c", "area.yaml", environ={})

    assert done.returncode == 2
    assert "area.yaml cannot be used: 1 error." in done.stderr


def test_a_taken_port_ends_the_gateway_with_code_1(crossfade: Crossfade, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        file = tmp_path / "taken.yaml"
        file.write_text(AREA.read_text().replace("127.0.0.1:0\n", f"127.0.0.1:{taken.getsockname()[1]}\n"))

        done = crossfade("run", "-c", str(file))

    assert done.returncode == 1
    assert "The gateway cannot start" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_backend_without_its_secret_says_so(crossfade: Crossfade) -> None:
    done = crossfade("backend", "v1", environ={})

    assert done.returncode == 2
    assert "Set JWT_SECRET in the environment" in done.stderr


def test_a_backend_with_a_strange_store_says_what_is_possible(crossfade: Crossfade) -> None:
    done = crossfade("backend", "v2", "--store", "postgres://x")

    assert done.returncode == 2
    assert "does not start with sqlite:/// or mongodb://" in done.stderr


def test_a_backend_whose_database_is_away_says_so_without_a_traceback(crossfade: Crossfade) -> None:
    done = crossfade("backend", "v1", "--port", "0", "--store", "mongodb://127.0.0.1:1/tacn")

    assert done.returncode == 1
    assert "v1 cannot start" in done.stderr
    assert "Traceback" not in done.stderr
