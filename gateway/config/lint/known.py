"""The names that other parts of the file may use."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from gateway.config.findings import Fault, KeyPath, suggestion


@dataclass(frozen=True, slots=True)
class Known:
    """Names as the file has them, also of things that are wrong themselves: using those is no second mistake."""

    upstreams: frozenset[str]
    adapters: frozenset[str]
    quotas: frozenset[str]

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """Collect the names from a file's data."""
        return cls(*(_names(data.get(key)) for key in ("upstreams", "adapters", "quotas")))

    def upstream(self, path: KeyPath, name: str) -> Iterator[Fault]:
        """Check the use of an upstream's name."""
        return _check(path, name, "upstream", self.upstreams)

    def adapter(self, path: KeyPath, name: str) -> Iterator[Fault]:
        """Check the use of an adapter's name."""
        return _check(path, name, "adapter", self.adapters)

    def quota(self, path: KeyPath, names: Iterable[str]) -> Iterator[Fault]:
        """Check the use of quotas' names."""
        seen: set[str] = set()
        for position, name in enumerate(names):
            yield from _check((*path, position), name, "quota", self.quotas)
            if name in seen:
                yield Fault((*path, position), f"the quota '{name}' is listed twice; keep one")
            seen.add(name)


def _names(section: Any) -> frozenset[str]:
    return frozenset(section) if isinstance(section, dict) else frozenset()


def _check(path: KeyPath, name: str, kind: str, known: frozenset[str]) -> Iterator[Fault]:
    if name not in known:
        yield Fault(path, f"there is no {kind} '{name}'; {suggestion(name, known)}")
