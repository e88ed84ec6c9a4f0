"""What the harness knows about a peer. A peer says how it is started; it never starts or measures itself."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.place import free_ports


@dataclass(frozen=True, slots=True)
class Site:
    """Where a run takes place: its folder, the keys, and the two upstreams' ports."""

    folder: Path
    keys: Path
    v1: int
    v2: int

    def values(self, **more: object) -> dict[str, object]:
        """Return what templates need."""
        return {"DIR": self.folder, "KEYS": self.keys, "V1": self.v1, "V2": self.v2, **more}

    def ports(self, *names: str) -> dict[str, int]:
        """Return a free port for each name."""
        return dict(zip(names, free_ports(len(names)), strict=True))


@dataclass(frozen=True, slots=True)
class Service:
    """A process to run: its command, and which port serves which subject. `admin` has our own `/metrics`."""

    command: Sequence[str | Path]
    ports: Mapping[str, int]
    environment: Mapping[str, str] = field(default_factory=dict)
    admin: int = 0


class Peer(Protocol):
    """One program, which serves one or more subjects. A subject is `NAME-ALGORITHM`, or `NAME-plain` without policy."""

    @property
    def name(self) -> str:
        """What it is called in the tables."""
        ...

    @property
    def subjects(self) -> tuple[str, ...]:
        """What it can be measured as."""
        ...

    def missing(self) -> str | None:
        """Say what is not installed, or None."""
        ...

    def version(self) -> str:
        """Return its version."""
        ...

    def services(self, site: Site, subjects: Sequence[str]) -> list[Service]:
        """Write its configuration and return the processes that serve these subjects."""
        ...


def policy(subject: str) -> str | None:
    """Return the token algorithm that a subject checks, None for plain forwarding."""
    tail = subject.rpartition("-")[2]
    return None if tail == "plain" else tail


def said(*command: str | Path, pattern: str = r"\d+\.\d+[\w.+~-]*") -> str:
    """Return the version in what a command prints."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=20)
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group(0) if found else "unknown"
