"""One measurement: load on one subject, and what its process tree used for it. Never compares."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.arena import Arena, Contestant
from benchmarks.load.generator import Load, Outcome, run

_WARM_SECONDS = 0.7


class FailedAnswersError(Exception):
    """A subject answered something else than 200 under load; its figure would mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run's figures. `cpu_seconds` is the subject's whole process tree, user and system."""

    cpu_seconds: float
    resident_bytes: int
    outcome: Outcome

    @property
    def cpu_us(self) -> float:
        """CPU microseconds of the subject per request."""
        return self.cpu_seconds * 1e6 / self.outcome.requests

    @property
    def rps(self) -> float:
        """Requests a second."""
        return self.outcome.requests / self.outcome.seconds

    @property
    def busy(self) -> float:
        """The share of one core that the subject used."""
        return self.cpu_seconds / self.outcome.seconds

    @property
    def down_mb_per_cpu_second(self) -> float:
        """MB (10⁶) of answer bodies for each CPU second of the subject."""
        return self.outcome.body_bytes / 1e6 / self.cpu_seconds

    @property
    def up_mb_per_cpu_second(self) -> float:
        """MB (10⁶) of requests for each CPU second of the subject."""
        return self.outcome.sent_bytes / 1e6 / self.cpu_seconds


def take(arena: Arena, one: Contestant, load: Load) -> Sample:
    """Run the load and return what it cost; raises FailedAnswersError when more than one in 1 000 was not a 200."""
    before = one.server.cpu_seconds()
    outcome = run(load, core=arena.cores.load)
    used = one.server.cpu_seconds() - before
    if not outcome.requests or outcome.failures * 1000 > outcome.requests:
        raise FailedAnswersError(f"{one.name}: {outcome.failures} of {outcome.requests} failed: {outcome.statuses}")
    return Sample(cpu_seconds=used, resident_bytes=one.server.resident_bytes(), outcome=outcome)


def warm(arena: Arena, one: Contestant, requests: Path) -> Sample:
    """Load a subject before it counts: pools fill, tokens are seen, code is compiled."""
    return take(arena, one, Load(port=one.port, requests=requests, seconds=_WARM_SECONDS))
