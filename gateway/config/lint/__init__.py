"""Checks that need more than one key of the file: what cannot work is an error, what may hurt is a warning."""

from collections.abc import Iterator

from gateway.config.findings import Fault
from gateway.config.lint import (
    adapters,
    allowance,
    calendar,
    credentials,
    paths,
    process,
    realtime,
    references,
    retirement,
    rollout,
)
from gateway.config.lint.known import Known
from gateway.config.schema import Config

__all__ = ["Known", "lint"]


def lint(config: Config, known: Known, now: float) -> Iterator[Fault]:
    """Yield everything that is wrong or risky about a config that the schema accepts; `now` is in Unix seconds."""
    yield from allowance.without_allowed(_every(config, known, now), config)


def _every(config: Config, known: Known, now: float) -> Iterator[Fault]:
    yield from allowance.check(config)
    yield from references.check(config, known)
    yield from retirement.check(config, known, now)
    yield from paths.check(config)
    yield from calendar.check(config, now)
    yield from rollout.check(config)
    yield from credentials.check(config)
    yield from process.check(config)
    yield from adapters.check(config)
    yield from realtime.check(config)
