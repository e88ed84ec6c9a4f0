"""The split: pins, ramps and gates that make sense."""

from collections.abc import Iterator

from gateway.config.findings import Fault, KeyPath
from gateway.config.schema import Config, Gates, Ramp, Rollout, When

RISKY_PERCENT = 50


def check(config: Config) -> Iterator[Fault]:
    """Yield nonsense and risks in every migration's rollout, and empty conditions."""
    for name, quota in config.quotas.items():
        if quota.when is not None:
            yield from _condition(quota.when, ("quotas", name, "when"))
        for position, tier in enumerate(quota.tiers):
            yield from _condition(tier.when, ("quotas", name, "tiers", position, "when"))
        yield from _twice(quota.by, ("quotas", name, "by"))
    yield from _twice(config.auth.consumer, ("auth", "consumer"))
    for name, migration in config.migrations.items():
        yield from _rollout(migration.rollout, ("migrations", name, "rollout"))


def _rollout(rollout: Rollout, path: KeyPath) -> Iterator[Fault]:
    for position, pin in enumerate(rollout.pins):
        yield from _condition(pin, (*path, "pins", position))
    yield from _twice(rollout.by, (*path, "by"))
    if rollout.ramp is not None:
        yield from _ramp(rollout.ramp, (*path, "ramp"))
    if rollout.percent >= RISKY_PERCENT and not rollout.pins and not rollout.fallback.enabled:
        message = f"moves {rollout.percent:g} % of the callers without a pin or fallback to bring any of them back"
        yield Fault((*path, "percent"), message, "warning")


def _condition(condition: When, path: KeyPath) -> Iterator[Fault]:
    if not (condition.claim or condition.header or condition.cookie):
        message = "has no condition and would hold for everyone; write claim: {NAME: VALUE}, header: or cookie:"
        yield Fault(path, message)


def _twice(identities: tuple[str, ...], path: KeyPath) -> Iterator[Fault]:
    for position, identity in enumerate(identities):
        if identity in identities[:position]:
            yield Fault((*path, position), f"'{identity}' is listed twice; keep the first")


def _ramp(ramp: Ramp, path: KeyPath) -> Iterator[Fault]:
    for position, step in enumerate(ramp.steps):
        before = ramp.steps[position - 1] if position else 0.0
        if step <= before:
            message = f"{step:g} does not rise above {before:g}; write steps such as [1, 5, 10, 25, 50, 100]"
            yield Fault((*path, "steps", position), message)
    if ramp.interval > ramp.bake:
        yield Fault((*path, "interval"), "is longer than bake: a step would be judged less than once; shorten it")
    yield from _gates(ramp.gates, (*path, "gates"))


def _gates(gates: Gates, path: KeyPath) -> Iterator[Fault]:
    limits = (gates.error_rate, gates.error_gap, gates.p95, gates.p95_ratio, gates.mismatch)
    if all(limit is None for limit in limits):
        yield Fault(
            path, "has every gate switched off; set at least one of error_rate, error_gap, p95, p95_ratio, mismatch"
        )
    for name in ("error_rate", "error_gap", "mismatch"):
        if getattr(gates, name) == 100:
            yield Fault((*path, name), "is 100 %, which nothing can exceed; write a lower number, or null for no gate")
    if gates.error_rate is not None and gates.error_gap is not None and gates.error_gap > gates.error_rate:
        message = f"is above error_rate ({gates.error_rate:g}), so it can never decide; write a lower number, or null"
        yield Fault((*path, "error_gap"), message)
