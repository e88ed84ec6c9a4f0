"""What the file allows by name."""

from collections.abc import Iterable, Iterator

from gateway.config.findings import Fault, KeyPath, suggestion
from gateway.config.lint.rule import RULES
from gateway.config.schema import Config, Lint


def check(config: Config) -> Iterator[Fault]:
    """Yield names of rules that there are not."""
    yield from _unknown(config.lint, ("lint", "allow"))
    for name, migration in config.migrations.items():
        yield from _unknown(migration.lint, ("migrations", name, "lint", "allow"))


def without_allowed(faults: Iterable[Fault], config: Config) -> Iterator[Fault]:
    """Yield the faults that neither the file as a whole nor their migration allows."""
    for fault in faults:
        if fault.rule not in config.lint.allow and fault.rule not in _allowed_at(fault.path, config):
            yield fault


def _allowed_at(path: KeyPath, config: Config) -> tuple[str, ...]:
    if path[:1] != ("migrations",) or len(path) < 2:
        return ()
    return config.migrations[str(path[1])].lint.allow


def _unknown(lint: Lint, path: KeyPath) -> Iterator[Fault]:
    for position, name in enumerate(lint.allow):
        if name not in RULES:
            yield Fault((*path, position), f"there is no rule '{name}'; {suggestion(name, RULES)}")
