"""Faults on purpose: which calls they hit, and how often."""

import random

import pytest

from backends.domain.faults import FaultDecision, Faults, FaultSettings


@pytest.fixture
def faults() -> Faults:
    return Faults(random.Random(1))


def test_without_settings_every_call_is_left_alone(faults: Faults) -> None:
    assert faults.plan("/api/v2/watchlist") is None


def test_latency_alone_only_waits(faults: Faults) -> None:
    faults.set(FaultSettings(latency_ms=800))
    assert faults.plan("/api/favorites") == FaultDecision(0.8, drops=False, fails=False)


def test_certain_faults_hit_every_call_and_a_lost_connection_wins(faults: Faults) -> None:
    faults.set(FaultSettings(error_rate=1.0))
    assert faults.plan("/x") == FaultDecision(0.0, drops=False, fails=True)
    faults.set(FaultSettings(error_rate=1.0, drop=1.0))
    assert faults.plan("/x") == FaultDecision(0.0, drops=True, fails=False)


def test_only_paths_that_start_with_the_match_are_hit(faults: Faults) -> None:
    faults.set(FaultSettings(error_rate=1.0, match="/api/v2/watchlist"))
    assert faults.plan("/api/v2/watchlist/600519") is not None
    assert faults.plan("/api/v2/news") is None


@pytest.mark.parametrize("path", ["/__faults", "/health", "/api/health"])
def test_the_faults_themselves_and_health_are_spared_by_default(faults: Faults, path: str) -> None:
    faults.set(FaultSettings(error_rate=1.0))
    assert faults.plan(path) is None


def test_a_match_can_hit_health_but_never_the_faults(faults: Faults) -> None:
    faults.set(FaultSettings(error_rate=1.0, match="/"))
    assert faults.plan("/health") is not None
    assert faults.plan("/__faults") is None


def test_a_rate_is_kept_on_average(faults: Faults) -> None:
    faults.set(FaultSettings(error_rate=0.3))
    hits = sum(faults.plan("/x") is not None for _ in range(10_000))
    assert 2_800 < hits < 3_200


def test_clearing_ends_them_and_showing_tells(faults: Faults) -> None:
    wanted = FaultSettings(error_rate=0.5, match="/x")
    faults.set(wanted)
    assert faults.show() == wanted
    faults.clear()
    assert faults.show() == FaultSettings()
    assert faults.plan("/x") is None
