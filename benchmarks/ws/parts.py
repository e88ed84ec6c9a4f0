"""What is measured, one part a function: each starts one server, plays its scene and returns figures by name."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ws.crowd import Crowd, Heard, crowd, write_records
from benchmarks.ws.subject import Running, Subject, stamped

TOPICS = [f"S{number}" for number in range(500)]
FOLLOWED = 50
SERVER_CORE = "0"
CROWD_CORE = 1
PATIENCE_SECONDS = 60

type Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Scene:
    """A server, its clients and what they are told."""

    at: Running
    crowd: Crowd

    def wait(self, messages: int) -> Heard:
        """Return what was heard when so many messages have come, or when nobody can wait any longer."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (heard := self.crowd.report()).messages < messages and time.monotonic() < deadline:
            time.sleep(0.05)
        if heard.messages != messages:
            raise RuntimeError(f"{heard.messages} of {messages} messages came, {heard.lost} clients were lost")
        return heard

    def settle(self) -> Heard:
        """Return what was heard when nothing more comes: of a conflated topic that may be less than was said."""
        heard = self.crowd.report()
        while True:
            time.sleep(0.5)
            later = self.crowd.report()
            if later.messages == heard.messages:
                return later
            heard = later

    def paced(self, topics: Sequence[str], messages: int, rate: float, size: int = 0) -> None:
        """Publish messages to each of the topics at this rate."""
        due = time.monotonic()
        for _ in range(messages):
            self.at.publisher.publish([(topic, stamped(size)) for topic in topics])
            due += 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))


@contextmanager
def scene(subject: Subject, folder: Path, clients: int, follow: Callable[[int], Sequence[str]]) -> Iterator[Scene]:
    """Start a server with its clients for the length of a block; all have subscribed."""
    records = write_records(folder / "clients", (subject.client(number, follow(number)) for number in range(clients)))
    with (
        subject.running(folder, SERVER_CORE) as at,
        crowd(at.port, records, core=CROWD_CORE) as many,
    ):
        found = Scene(at, many)
        many.open(1)  # what only the first one costs
        time.sleep(0.5)
        before = at.server.resident_bytes()
        opened = many.open(clients - 1)
        if opened != clients:
            raise RuntimeError(f"only {opened} of {clients} clients came in")
        time.sleep(1 + clients / 5000)
        found.crowd.reset()
        _GROWN[found] = (at.server.resident_bytes() - before) / (clients - 1)
        yield found


_GROWN: dict[Scene, float] = {}


def fan_out(subject: Subject, folder: Path, clients: int) -> Figures:
    """One message to all clients, over and over: CPU time of the server for each delivery."""
    messages = 100_000 // clients
    with scene(subject, folder, clients, lambda _number: TOPICS[:1]) as found:
        before = found.at.server.cpu_seconds()
        found.paced(TOPICS[:1], messages, 20_000 / clients)
        heard = found.wait(messages * clients)
        used = found.at.server.cpu_seconds() - before
    return {"us": used / heard.messages * 1e6}


def burst(subject: Subject, folder: Path) -> Figures:
    """All topics at once, of which each client follows some."""
    clients, bursts = 1000, 8
    with scene(subject, folder, clients, _followed) as found:
        used = 0.0
        for number in range(bursts):
            before = found.at.server.cpu_seconds()
            found.at.publisher.publish([(topic, stamped()) for topic in TOPICS])
            found.wait((number + 1) * clients * FOLLOWED)
            used += found.at.server.cpu_seconds() - before
    return {"us": used / (bursts * clients * FOLLOWED) * 1e6}


def memory(subject: Subject, folder: Path) -> Figures:
    """Idle sockets that follow three topics each."""
    clients = 5000
    with scene(subject, folder, clients, lambda number: [TOPICS[(number + at * 7) % 500] for at in range(3)]) as found:
        return {"kib": _GROWN[found] / 1024}


def latency(subject: Subject, folder: Path) -> Figures:
    """50 000 deliveries a second, from 50 messages to 1 000 clients, spread over the second."""
    clients, rate, seconds = 1000, 50, 8
    with scene(subject, folder, clients, lambda _number: TOPICS[:1]) as found:
        found.paced(TOPICS[:1], rate, rate)
        found.wait(rate * clients)
        found.crowd.reset()
        found.paced(TOPICS[:1], rate * seconds, rate)
        heard = found.wait(rate * seconds * clients)
    return {"p50": heard.p50_us / 1000, "p99": heard.p99_us / 1000}


def stalled(subject: Subject, folder: Path) -> Figures:
    """Half of the clients read no more, while 20 MB go to all: what each of those costs, and what the others feel."""
    clients, idle, size, rate, messages = 20, 10, 2048, 500, 10_000
    with scene(subject, folder, clients, lambda _number: TOPICS[:1]) as found:
        found.paced(TOPICS[:1], messages // 2, rate, size)
        calm = found.settle()
        found.crowd.stall(idle)
        found.crowd.reset()
        before = found.at.server.resident_bytes()
        found.paced(TOPICS[:1], messages, rate, size)
        crowded = found.settle()
        grown = found.at.server.resident_bytes() - before
    share = crowded.messages / (messages * (clients - idle))
    return {"kib": grown / idle / 1024, "calm_p99": calm.p99_us / 1000, "p99": crowded.p99_us / 1000, "heard": share}


def _followed(number: int) -> Sequence[str]:
    """Return some topics, others for each client, so that each topic has as many followers."""
    return [TOPICS[(number * 7 + at * 10) % 500] for at in range(FOLLOWED)]
