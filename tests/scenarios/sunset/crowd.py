"""Three hundred consumers of one migration, each with its own way to find out that v1 ends."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.config.snapshot import Snapshot
from gateway.core.http import Fields, RequestHead
from gateway.policy.auth import GivenClaims
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Forward, Refuse

MIGRATION, LABEL, PATH = "watchlist", "GET /api/favorites", "/api/favorites"
SUCCESSOR = "/api/v2/watchlist"
DAY = 86_400.0


@dataclass(frozen=True)
class Answer:
    """What a consumer got: `side` is empty for a refusal, `problem` for an answer of a backend."""

    status: int
    side: str
    problem: str
    headers: Fields

    def get(self, name: str) -> str | None:
        return dict(self.headers).get(name)


@dataclass
class Consumer:
    """Calls once a day at noon, until it has moved: so many days after it has noticed what it looks at."""

    name: str
    looks_at: str
    patience: float
    noticed: float | None = None
    memory: Memory = field(init=False)

    def __post_init__(self) -> None:
        self.memory = Memory.fresh(GivenClaims({"sub": self.name}))

    def call(self, snapshot: Snapshot, now: float) -> Answer:
        """Call the legacy endpoint, through the real decision, and remember what matters to this one."""
        head = RequestHead.of("GET", PATH, [("authorization", "Bearer taken-for-granted")])
        decision = decide(head, snapshot, now, self.memory)
        if isinstance(decision, Refuse):
            answer = Answer(decision.problem.code, "", decision.problem.type, decision.headers)
        else:
            assert isinstance(decision, Forward)
            answer = Answer(200, str(decision.side), "", decision.answer_headers)
        if self.noticed is None and self._sees(answer):
            self.noticed = now
        return answer

    def has_moved(self, now: float) -> bool:
        return self.noticed is not None and now >= self.noticed + self.patience * DAY

    def _sees(self, answer: Answer) -> bool:
        match self.looks_at:
            case "headers":
                return answer.get("Deprecation") is not None
            case "brownouts":
                return answer.problem == "brownout"
            case "the end":
                return answer.problem == "api-version-gone"
        return False


def crowd() -> Iterator[Consumer]:
    """Yield 130 who read headers, 90 who notice brownouts, 78 who notice the end, one with more time, one who never."""
    yield from (Consumer(f"reader-{number:03}", "headers", 1 + number % 14) for number in range(130))
    yield from (Consumer(f"sleeper-{number:03}", "brownouts", 1 + number % 4) for number in range(90))
    yield from (Consumer(f"late-{number:03}", "the end", 0.5 + number % 6) for number in range(78))
    yield Consumer("acme", "the end", 0.5)
    yield Consumer("abandoned-job", "nothing", 0)
