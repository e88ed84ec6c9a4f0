"""What the supervisor and its workers say to each other.

The supervisor gives orders; `Begin`, `Apply`, `Turn` and `Ask` are answered, once each. Rules travel as the checked
configuration, whole: a Snapshot holds compiled expressions and key objects, which cannot leave their process, and to
compile one again takes milliseconds. Where both planes share a process the same `Report` is handed over by a call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gateway.callers.key_news import Fetched, Want
from gateway.config.compile import compile_snapshot
from gateway.config.live import Live
from gateway.config.schema import Address, Config
from gateway.observability.delta import Delta
from gateway.observability.sample import Sample
from gateway.policy.revocation import Revocation
from gateway.realtime.port import FeedState
from gateway.server.configuration import Loaded


@dataclass(frozen=True, slots=True)
class Rules:
    """A checked configuration with what it was loaded from, and the live values; `loaded_at` is in Unix seconds."""

    path: Path
    config: Config
    revision: int
    digest: str
    loaded_at: float
    live: Live

    @classmethod
    def of(cls, loaded: Loaded) -> Self:
        """Take what can travel."""
        snapshot = loaded.snapshot
        return cls(loaded.path, loaded.config, snapshot.revision, snapshot.digest, loaded.loaded_at, snapshot.live)

    def compile(self) -> Loaded:
        """Make it ready to serve; raises KeyFaultError and ExpressionError where a file has changed since the check."""
        snapshot = compile_snapshot(self.config, revision=self.revision, digest=self.digest)
        return Loaded(self.path, self.config, snapshot.turned(self.live), self.loaded_at)


# ---------------------------------------------------------------------- orders, down


@dataclass(frozen=True, slots=True)
class Begin:
    """Serve by these rules at this address; `levels` are those of the loggers. Answered by Applied or Failed.

    `revoked` is the last known list, should Redis be away; `keys` are what was last fetched of key servers.
    """

    rules: Rules
    listen: Address
    levels: Mapping[str, int]
    revoked: tuple[Revocation, ...]
    keys: tuple[Fetched, ...]


@dataclass(frozen=True, slots=True)
class Apply:
    """Replace the rules, between two requests. Answered by Applied or Failed."""

    rules: Rules


@dataclass(frozen=True, slots=True)
class Turn:
    """Replace the live values, between two requests. Answered by Applied."""

    live: Live


@dataclass(frozen=True, slots=True)
class Ask:
    """Say how it stands. Answered by a Report."""


@dataclass(frozen=True, slots=True)
class Learn:
    """Hold to these revocations, too. Not answered."""

    revoked: Sequence[Revocation]


@dataclass(frozen=True, slots=True)
class Drain:
    """Take nothing new, finish what is open, and end. Not answered but by the end."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End at once."""


type Question = Begin | Apply | Turn | Ask
type Lesson = Learn | Fetched
"""What every worker must know. Not answered."""
type Order = Question | Lesson | Drain | Stop


# ---------------------------------------------------------------------- news, up


@dataclass(frozen=True, slots=True)
class Awake:
    """All modules are loaded and orders are followed from now on. Said once, unasked."""


@dataclass(frozen=True, slots=True)
class Applied:
    """These rules hold from now on."""

    revision: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The rules could not be applied: the old ones stay; a worker that had none ends."""

    reason: str


@dataclass(frozen=True, slots=True)
class EndpointFigures:
    """One endpoint of an upstream, as one worker sees it."""

    url: str
    is_healthy: bool
    is_ejected: bool
    active: int
    idle: int


@dataclass(frozen=True, slots=True)
class UpstreamFigures:
    """One upstream, as one worker sees it."""

    name: str
    endpoints: tuple[EndpointFigures, ...]
    active: int
    queued: int


@dataclass(frozen=True, slots=True)
class RealtimeFigures:
    """How the WebSockets of one worker and the upstream connections behind them stand."""

    connections: int
    subscriptions: int
    feeds: tuple[FeedState, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """How one worker stands."""

    connections: int
    open_requests: int
    upstreams: tuple[UpstreamFigures, ...]
    realtime: RealtimeFigures | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker has counted since its last report, what its gauges read, and how it stands."""

    delta: Delta
    samples: tuple[Sample, ...]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Logged:
    """One record of a worker's log, its arguments filled in; written where the supervisor's own records go."""

    logger: str
    level: int
    text: str
    created: float


type Answer = Applied | Failed | Report
type News = Answer | Awake | Logged | Want
type Message = Order | News
