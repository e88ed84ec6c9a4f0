"""Compiles and runs the load generator; owns its command line and its answer, never what is measured with them."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.place import VAR, MissingToolError

HERE = Path(__file__).parent
SOURCES = (HERE / "generator.c", HERE / "answer.c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One run: where to, what and how hard. `rate` 0 is a closed loop; otherwise requests per second, by the clock."""

    port: int
    requests: Path
    seconds: float
    connections: int = 64
    rate: float = 0
    skip: int = 0
    limit: int | None = None

    def arguments(self) -> list[str]:
        """Return the generator's command line."""
        pairs = {
            "--port": self.port,
            "--requests": self.requests,
            "--seconds": self.seconds,
            "--connections": self.connections,
            "--rate": self.rate,
            "--skip": self.skip,
        }
        if self.limit is not None:
            pairs["--limit"] = self.limit
        return [str(part) for pair in pairs.items() for part in pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the generator saw. Latencies and lateness in microseconds."""

    requests: int
    seconds: float
    cpu_seconds: float
    errors: int
    unanswered: int
    reconnects: int
    sent_bytes: int
    received_bytes: int
    body_bytes: int
    statuses: dict[str, int]
    latency_us: dict[str, float]
    late_us: dict[str, float]

    @property
    def failures(self) -> int:
        """Requests that were not answered with 200."""
        return self.errors + self.unanswered + self.requests - self.statuses.get("200", 0)


@cache
def compiled() -> Path:
    """Return the generator's program, compiled anew when its source changed."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise MissingToolError("the load generator needs a C compiler (cc)")
    program = VAR / "generator"
    newest = max(path.stat().st_mtime for path in HERE.glob("*.[ch]"))
    if not program.exists() or program.stat().st_mtime < newest:
        VAR.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-O2", "-o", program, *SOURCES], check=True)
    return program


def run(load: Load, *, core: int) -> Outcome:
    """Run the generator on `core` until it ends by itself; raises CalledProcessError when the server fails it."""
    command = ["taskset", "-c", str(core), str(compiled()), *load.arguments()]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=load.seconds + 60)
    answer: dict[str, Any] = json.loads(done.stdout)
    return Outcome(**answer)
