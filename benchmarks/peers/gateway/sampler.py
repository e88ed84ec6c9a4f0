"""Samples where a Python process spends its CPU time. Owns SIGPROF of its process; never touches what it watches.

A sample belongs to the Python function that runs when the signal is handled, so that time in C (a system call, the
event loop, a parser) counts for the function that called it or that the loop calls next.
"""

import signal
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

_EVERY_SECONDS = 0.001
_SHOWN = 60


class Sampler:
    """Counts samples by function (alone, and with what it calls) and by line."""

    def __init__(self) -> None:
        self._alone: Counter[CodeType] = Counter()
        self._with_calls: Counter[CodeType] = Counter()
        self._lines: Counter[tuple[str, int]] = Counter()
        self._count = 0

    def __repr__(self) -> str:
        return f"<Sampler {self._count} samples>"

    def start(self) -> None:
        """Begin to sample each millisecond of CPU time."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)

    def stop(self) -> None:
        """End sampling."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def write(self, path: Path) -> None:
        """Write the tables."""
        path.write_text("\n".join([f"{self._count} samples", "", *self._functions(), "", *self._hot_lines(), ""]))

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self._count += 1
        self._alone[frame.f_code] += 1
        self._lines[frame.f_code.co_filename, frame.f_lineno] += 1
        self._with_calls.update(_callers(frame))

    def _functions(self) -> list[str]:
        rows = [
            f"{self._share(alone)}  {self._share(self._with_calls[code])}  {_place(code)}"
            for code, alone in self._alone.most_common(_SHOWN)
        ]
        return [" alone   calls  function", *rows]

    def _hot_lines(self) -> list[str]:
        rows = [f"{self._share(n)}  {_short(file)}:{line}" for (file, line), n in self._lines.most_common(_SHOWN)]
        return [" alone  line", *rows]

    def _share(self, count: int) -> str:
        return f"{count / max(self._count, 1):6.1%}"


def _callers(frame: FrameType | None) -> set[CodeType]:
    found = set()
    while frame is not None:
        found.add(frame.f_code)
        frame = frame.f_back
    return found


def _place(code: CodeType) -> str:
    return f"{_short(code.co_filename)}:{code.co_firstlineno} {code.co_qualname}"


def _short(file: str) -> str:
    """Return the last three parts of a file's name."""
    return "/".join(Path(file).parts[-3:])
