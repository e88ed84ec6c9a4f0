"""One echoing process for all conformance tests of a worker: the session layer on the loop that production uses."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def echo_port() -> Iterator[int]:
    """The port of `python -m tests.support.ws_echo`."""
    command = [sys.executable, "-m", "tests.support.ws_echo", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline().rpartition(":")[2])
        assert process.poll() is None, "the echo has crashed"
        process.terminate()
