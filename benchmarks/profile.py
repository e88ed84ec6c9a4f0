"""Where the gateway's time goes: mixed traffic on one profiled gateway. Its figures are not comparable with a run's."""

import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

from benchmarks.arena import Arena, admitted
from benchmarks.load.generator import Load
from benchmarks.measure import take
from benchmarks.peers.gateway import PURE
from benchmarks.place import VAR
from benchmarks.tables import Traffic

_SUBJECT = "pure-hs256"


def profile(arena: Arena, seconds: float) -> list[Path]:
    """Return the files written: by Python function and line, and, where perf is there, by library and C function."""
    by_function = VAR / "profile-python.txt"
    by_library = VAR / "profile-native.txt"
    service = PURE.service(arena.site, _SUBJECT, profile=by_function)
    with ExitStack() as stack:
        (one,) = admitted(stack, arena, service)
        load = Load(port=one.port, requests=Traffic(arena).mixed(_SUBJECT), seconds=seconds)
        take(arena, one, load)
        recorder = _record(one.server.pid, seconds)
        take(arena, one, load)
        if recorder is not None:
            recorder.wait(60)
            _report(by_library)
    return [path for path in (by_function, by_library) if path.exists()]


def _record(pid: int, seconds: float) -> subprocess.Popen[bytes] | None:
    """Start perf on the running gateway, or nothing where there is no perf."""
    if not shutil.which("perf"):
        return None
    what = ["-q", "-F", "999", "-o", str(VAR / "perf.data"), "-p", str(pid)]
    command = ["perf", "record", *what, "--", "sleep", str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _report(path: Path) -> None:
    data = VAR / "perf.data"
    texts = [
        subprocess.run(
            ["perf", "report", "-i", data, "--stdio", "--sort", keys, "--percent-limit", "0.4"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        for keys in ("dso", "dso,symbol")
    ]
    path.write_text("\n".join(texts))
    data.unlink(missing_ok=True)
