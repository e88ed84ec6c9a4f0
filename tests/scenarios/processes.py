"""Whole processes: started on port 0, found by what they print, ended with the test."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Process:
    """Owns one `crossfade` process and everything it printed. It never outlives `stop`."""

    def __init__(self, *arguments: str, environ: Mapping[str, str], cwd: Path = ROOT) -> None:
        self.lines: list[str] = []
        self._child = subprocess.Popen(
            [sys.executable, "-m", "gateway", *arguments],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self.lines.append(line.rstrip())

    @property
    def pid(self) -> int:
        return self._child.pid

    def find(self, pattern: str, *, after: int = 0, seconds: float = 30) -> re.Match[str]:
        """Wait until a printed line, from the `after`-th on, has the pattern."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in self.lines[after:]:
                if found := re.search(pattern, line):
                    return found
            if self._child.poll() is not None:
                self._reader.join(2)
                if not any(re.search(pattern, line) for line in self.lines[after:]):
                    break
            time.sleep(0.02)
        raise AssertionError(f"{pattern!r} was not printed; the process said:\n" + "\n".join(self.lines))

    def signal(self, number: int) -> None:
        self._child.send_signal(number)

    def wait(self, seconds: float = 20) -> int:
        """Wait for the end and return the exit code."""
        return self._child.wait(seconds)

    def stop(self) -> int:
        """End the process if it is still there, and return its exit code."""
        if self._child.poll() is None:
            self._child.terminate()
        try:
            return self._child.wait(20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            raise
        finally:
            self._reader.join(2)
            if self._child.stdout is not None:
                self._child.stdout.close()
