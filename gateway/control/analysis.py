"""The judgement on a step: the successor against fixed limits and against legacy, gate by gate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from gateway.config.schema.migration import Gates
from gateway.control.comparison import Comparison, compare
from gateway.control.figures import Figures, Tally
from gateway.control.statistic import certainly_over, exceeds, quantile, upper_share
from gateway.control.window import Window

HARD_PERCENT: Final = 25.0
HARD_REQUESTS: Final = 50
"""Over so many percent failures in at least so many requests, nothing is waited for."""
P95: Final = 0.95
FLOOR_SECONDS: Final = 0.05
"""A successor that is slower by no more than this is not too slow, whatever the ratio: 3 ms beside 1 ms is no harm."""
RECENT_INTERVALS: Final = 12
"""Two minutes, usually: so long that a hiccup of ten seconds is no trend, while a fault is one in two looks."""
WHOLE: Final = 100.0


class Outcome(StrEnum):
    """What a gate, and all of them together, say about a step. The most severe gate decides."""

    PASS = "pass"
    HOLD = "hold"
    FAIL = "fail"


SEVERITY: Final = (Outcome.PASS, Outcome.HOLD, Outcome.FAIL)


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate's value beside its threshold: percent, percent points, seconds, a factor or a number of requests.

    `value` is None where there is nothing to judge. `missing` is how many requests it waits for.
    """

    name: str
    value: float | None
    threshold: float
    outcome: Outcome
    words: str
    missing: int = 0

    def document(self) -> dict[str, Any]:
        """Return it as the admin API shows it."""
        return {
            "gate": self.name,
            "value": None if self.value is None else round(self.value, 4),
            "threshold": self.threshold,
            "outcome": self.outcome.value,
            "words": self.words,
            "missing": self.missing,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gates together. `is_hard`: so many requests fail that nothing is waited for."""

    outcome: Outcome
    words: str
    gates: tuple[Gate, ...]
    is_hard: bool = False

    def document(self) -> dict[str, Any]:
        """Return it as the admin API shows it."""
        gates = [gate.document() for gate in self.gates]
        return {"outcome": self.outcome.value, "words": self.words, "hard": self.is_hard, "gates": gates}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is judged: everything since the `step` began, its `recent` end, and the `latest` interval.

    The step shows small differences that last, its recent end shows at once what has begun only now. The `latest`
    interval, or as much as holds 50 requests, is for the hard limit, and shows what is over again. Near a step's
    beginning they are the same.
    """

    step: Figures
    recent: Figures
    latest: Figures


def gather(window: Window, migration: str, since: float, now: float, interval: float, min_requests: int) -> Evidence:
    """Take from a window what is judged: the recent end holds `min_requests` and twelve intervals."""
    recent_seconds = RECENT_INTERVALS * interval
    return Evidence(
        window.take(migration, since, now),
        window.latest(migration, since, now, seconds=recent_seconds, requests=min_requests),
        window.latest(migration, since, now, seconds=interval, requests=HARD_REQUESTS),
    )


def judge(gates: Gates, evidence: Evidence, percent: float) -> Verdict:
    """Judge a step at `percent` (0–100).

    Each gate is judged over the whole step and over its recent end, and the worse counts: `fail` where more than chance
    speaks against the successor, `hold` where there is too little to say so or a threshold is crossed without proof.
    What fails must still be going on: with the latest requests within the threshold again it holds.
    At 0 there is nothing but legacy: `pass` once it has shown that there is traffic to compare with.
    """
    hard = _hard(evidence.latest)
    if hard.outcome is Outcome.FAIL:
        return Verdict(Outcome.FAIL, hard.words, (hard, *_every(gates, evidence, percent)), is_hard=True)
    if percent == 0 and evidence.step.successor_total.requests < gates.min_requests:
        return _together((_baseline(gates, evidence.step),))
    return _together((*_every(gates, evidence, percent), hard))


def _together(gates: tuple[Gate, ...]) -> Verdict:
    outcome = max((gate.outcome for gate in gates), key=SEVERITY.index)
    words = "; ".join(gate.words for gate in gates if gate.outcome is outcome) if outcome is not Outcome.PASS else ""
    return Verdict(outcome, words or "every gate passes", gates)


def _every(gates: Gates, evidence: Evidence, percent: float) -> list[Gate]:
    over_step = _gates(gates, evidence.step, percent, gates.min_requests)
    over_recent = _gates(gates, evidence.recent, percent, gates.min_requests)
    worse = [_worse(step, recent) for step, recent in zip(over_step, over_recent, strict=True)]
    if all(gate.outcome is not Outcome.FAIL for gate in worse):
        return worse
    over_latest = _gates(gates, evidence.latest, percent, HARD_REQUESTS)
    return [_unless_over(gate, latest) for gate, latest in zip(worse, over_latest, strict=True)]


def _worse(step: Gate, recent: Gate) -> Gate:
    """The recent end says nothing while it is too short."""
    is_worse = SEVERITY.index(recent.outcome) > SEVERITY.index(step.outcome)
    return recent if is_worse and not recent.missing else step


def _unless_over(gate: Gate, latest: Gate) -> Gate:
    """What has failed, but not in the latest interval, was a hiccup: failures come in bursts, which no test expects."""
    if gate.outcome is not Outcome.FAIL or latest.outcome is not Outcome.PASS or latest.value is None:
        return gate
    return replace(gate, outcome=Outcome.HOLD, words=f"{gate.words}; the latest requests are within it again")


def _gates(gates: Gates, figures: Figures, percent: float, least: int) -> list[Gate]:
    """Judge every gate that is switched on; always the same ones, whatever the figures."""
    successor, comparison = figures.successor_total, compare(figures.legacy, figures.successor)
    is_alone = percent >= WHOLE
    found = [_enough(least, successor.requests, "min_requests", "the successor")]
    if gates.error_rate is not None:
        found.append(_error_rate(gates.error_rate, successor, least))
    if gates.error_gap is not None:
        found.append(_error_gap(gates.error_gap, comparison, least, is_alone=is_alone))
    if gates.p95 is not None:
        found.append(_p95(gates.p95, successor.buckets, least))
    if gates.p95_ratio is not None:
        found.append(_p95_ratio(gates.p95_ratio, comparison, least, is_alone=is_alone))
    if gates.mismatch is not None:
        found.append(_mismatch(gates.mismatch, figures.shadow, least))
    return found


def _hard(latest: Figures) -> Gate:
    successor = latest.successor_total
    value = successor.failure_percent
    is_over = successor.requests >= HARD_REQUESTS and value > HARD_PERCENT
    outcome = Outcome.FAIL if is_over else Outcome.PASS
    words = (
        f"{value:.3g} % of the successor's {_count(successor)} have failed, over {HARD_PERCENT:g} % is the hard limit"
    )
    return Gate("hard_limit", value, HARD_PERCENT, outcome, words)


def _baseline(gates: Gates, step: Figures) -> Gate:
    return _enough(gates.min_requests, step.legacy_total.requests, "min_requests", "legacy, before the first step,")


def _enough(least: int, found: int, name: str, who: str) -> Gate:
    missing = max(least - found, 0)
    words = f"{name}: {who} has had {found} of {least} requests, {missing} are missing"
    return Gate(name, float(found), float(least), Outcome.HOLD if missing else Outcome.PASS, words, missing)


def _error_rate(limit: float, successor: Tally, least: int) -> Gate:
    """More failures than the limit allows, by the exact binomial test (Clopper and Pearson 1934).

    The score test, whose interval is Wilson's (Wilson 1927), agrees with it from some thousand requests on; at fewer it
    rejects too easily this far out, because rare failures are not distributed normally. One in 30 proves nothing.
    """
    value = successor.failure_percent
    words = f"error_rate: {successor.failures} of the successor's {_count(successor)} failed, {value:.3g} %"
    is_proven = exceeds(successor.failures, successor.requests, limit / WHOLE)
    return _graded("error_rate", value, limit, words, least - successor.requests, is_proven=is_proven)


def _error_gap(limit: float, comparison: Comparison, least: int, *, is_alone: bool) -> Gate:
    """More failures than legacy over the same endpoints, beyond chance and beyond the limit in percent points."""
    absent = _incomparable("error_gap", limit, comparison, least, is_alone=is_alone)
    if absent is not None:
        return absent
    words = (
        f"error_gap: {comparison.successor.failures} of the successor's {_count(comparison.successor)} failed and "
        f"{comparison.legacy.failures} of legacy's {comparison.legacy.requests}, a gap of {comparison.gap:.3g} points"
    )
    return _graded("error_gap", comparison.gap, limit, words, 0, is_proven=comparison.is_worse)


def _p95(limit: float, buckets: Sequence[int], least: int) -> Gate:
    """The 95th percentile is above the limit when more than 5 % take longer: the binomial test of a quantile."""
    samples, value = sum(buckets), quantile(buckets, P95)
    slow = int(certainly_over(buckets, limit))
    words = f"p95: 95 % of the successor's requests took up to {value:.3g} s"
    is_proven = exceeds(slow, samples, 1 - P95)
    return _graded("p95", value if samples else None, limit, words, least - samples, is_proven=is_proven)


def _p95_ratio(limit: float, comparison: Comparison, least: int, *, is_alone: bool) -> Gate:
    """The successor's 95th percentile against legacy's, each endpoint weighing the same on both sides.

    Proven when more than 5 % of the successor's requests take longer than the limit times the upper bound of legacy's
    percentile, at least FLOOR_SECONDS longer. Within the bucket that a percentile lies in nothing is proven.
    """
    absent = _incomparable("p95_ratio", limit, comparison, least, is_alone=is_alone)
    if absent is not None:
        return absent
    ours, theirs = quantile(comparison.successor_latencies, P95), quantile(comparison.legacy_latencies, P95)
    surely = quantile(comparison.legacy_latencies, upper_share(P95, comparison.legacy_samples))
    slow = certainly_over(comparison.successor_latencies, max(surely * limit, surely + FLOOR_SECONDS))
    is_proven = exceeds(int(slow), int(comparison.successor_samples), 1 - P95)
    words = f"p95_ratio: 95 % of the successor's requests took up to {ours:.3g} s, of legacy's up to {theirs:.3g} s"
    value = ours / theirs if theirs else None
    is_small = ours - theirs <= FLOOR_SECONDS
    return _graded("p95_ratio", value, limit, words, 0, is_proven=is_proven, is_harmless=is_small)


def _mismatch(limit: float, shadow: Tally, least: int) -> Gate:
    """Comparisons are extra evidence: few of them hold a step back only while they differ, and never fail it."""
    words = f"mismatch: {shadow.failures} of {shadow.requests} compared answers differ, {shadow.failure_percent:.3g} %"
    is_proven = shadow.requests >= least and exceeds(shadow.failures, shadow.requests, limit / WHOLE)
    value = shadow.failure_percent if shadow.requests else None
    return _graded("mismatch", value, limit, words, 0, is_proven=is_proven)


def _incomparable(name: str, limit: float, comparison: Comparison, least: int, *, is_alone: bool) -> Gate | None:
    if is_alone:
        return Gate(name, None, limit, Outcome.PASS, f"{name}: there is no legacy side to compare with")
    fewer, who = comparison.legacy.requests, "legacy"
    if comparison.successor.requests < fewer:
        fewer, who = comparison.successor.requests, "the successor"
    if fewer >= least:
        return None
    words = f"{name}: {who} has had {fewer} of {least} requests at the endpoints that both sides served"
    return Gate(name, None, limit, Outcome.HOLD, f"{words}, {least - fewer} are missing", least - fewer)


def _graded(
    name: str,
    value: float | None,
    limit: float,
    words: str,
    missing: int,
    *,
    is_proven: bool,
    is_harmless: bool = False,
) -> Gate:
    if missing > 0:
        return Gate(name, value, limit, Outcome.HOLD, f"{words}; {missing} requests are missing", missing)
    if value is None or value <= limit or is_harmless:
        return Gate(name, value, limit, Outcome.PASS, words)
    if is_proven:
        return Gate(name, value, limit, Outcome.FAIL, f"{words}; the limit is {limit:g}")
    return Gate(name, value, limit, Outcome.HOLD, f"{words}; the limit is {limit:g}, but this may be chance")


def _count(tally: Tally) -> str:
    return f"{tally.requests} requests"


def sides(figures: Figures) -> Mapping[str, Mapping[str, float]]:
    """Return the counts of both sides as the admin API shows them: times are seconds."""
    return {
        side: {
            "requests": tally.requests,
            "failures": tally.failures,
            "failure_percent": round(tally.failure_percent, 3),
            "p95": round(quantile(tally.buckets, P95), 4),
        }
        for side, tally in (("legacy", figures.legacy_total), ("successor", figures.successor_total))
    }
