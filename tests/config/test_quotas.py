"""Quotas and the Redis they are shared through: what the file may say, and what becomes of it."""

from pathlib import Path

from gateway.config.compile import compile_snapshot
from gateway.config.snapshot import Quota, Snapshot
from tests.config.sample import CONTRACT, load_text, replaced

BURST = "burst: {quota: 50, window: 1s, by: consumer}"
SCREENING = "upstream: v1, auth: required, quotas: [burst]"


def _compiled(folder: Path, *pairs: tuple[str, str]) -> Snapshot:
    text = CONTRACT
    for old, new in pairs:
        text = replaced(text, old, new)
    return compile_snapshot(load_text(folder, text).config)


def _limits(snapshot: Snapshot) -> tuple[Quota, ...]:
    """The quotas of the route `screening`."""
    return snapshot.routes[-1].quotas


def test_tiers_take_the_place_of_the_quota_under_its_name(tmp_path: Path) -> None:
    tiers = "tiers: [{when: {claim: {plan: pro}}, quota: 500}, {when: {claim: {plan: max}}, quota: 9, window: 1m}]"
    (burst,) = _limits(_compiled(tmp_path, (BURST, f"burst: {{quota: 50, window: 1s, by: consumer, {tiers}}}")))
    assert [(tier.name, tier.quota, tier.window) for tier in burst.tiers] == [("burst", 500, 1.0), ("burst", 9, 60.0)]
    assert [tier.is_by_consumer for tier in burst.tiers] == [True, True]


def test_a_cost_takes_more_of_every_quota_and_of_its_tiers(tmp_path: Path) -> None:
    tiered = "burst: {quota: 50, window: 1s, tiers: [{when: {claim: {plan: pro}}, quota: 500}]}"
    (burst,) = _limits(_compiled(tmp_path, (BURST, tiered), (SCREENING, f"{SCREENING}, cost: 5")))
    assert (burst.increment, burst.tiers[0].increment) == (0.1, 0.01)
    assert burst.policy == '"burst";q=50;w=1'


def test_a_shadow_is_kept_apart_from_the_quotas_that_refuse(tmp_path: Path) -> None:
    watched = (BURST, "burst: {quota: 50, window: 1s, shadow: true}")
    route = _compiled(tmp_path, watched, (SCREENING, "upstream: v1, auth: required, quotas: [burst, free]")).routes[-1]
    assert ([quota.name for quota in route.quotas], [quota.name for quota in route.shadows]) == (["free"], ["burst"])


def test_redis_is_a_url_or_a_url_with_settings(tmp_path: Path) -> None:
    short = load_text(tmp_path, replaced(CONTRACT, "redis: null", "redis: redis://h:1/0")).config.redis
    long = load_text(tmp_path, replaced(CONTRACT, "redis: null", 'redis: {url: "redis://h:1/0"}')).config.redis
    assert short is not None
    assert short == long
    assert (short.url, short.timeout, short.share) == ("redis://h:1/0", 0.05, None)


def test_leases_without_redis_are_warned_about(tmp_path: Path) -> None:
    text = replaced(CONTRACT, BURST, BURST.replace("}", ", precision: leased}"))
    assert "quotas.burst.precision" in {finding.path for finding in load_text(tmp_path, text).warnings}
    shared = replaced(text, "redis: null", "redis: redis://h")
    assert "quotas.burst.precision" not in {finding.path for finding in load_text(tmp_path, shared).warnings}


def test_the_password_in_the_url_is_never_shown(tmp_path: Path) -> None:
    config = load_text(tmp_path, replaced(CONTRACT, "redis: null", "redis: redis://:hunter2@h")).config
    assert "hunter2" not in repr(config)
