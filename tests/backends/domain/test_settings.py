"""The platform's configuration."""

import asyncio
from dataclasses import replace

import pytest

from backends.domain.errors import Fault, FaultKind
from backends.domain.settings import DEFAULTS, Features, SystemSettings
from tests.backends.domain.conftest import Parts


@pytest.fixture
def settings(parts: Parts) -> SystemSettings:
    return SystemSettings(parts.store)


async def test_a_fresh_store_has_the_defaults(settings: SystemSettings) -> None:
    assert await settings.read() == DEFAULTS


async def test_a_change_sets_what_is_given_and_keeps_the_rest(settings: SystemSettings) -> None:
    changed = await settings.change({"site_name": "Ours", "features": {"news": False}})
    features = Features(realtime=True, news=False, analysis=True)
    assert changed == replace(DEFAULTS, site_name="Ours", features=features) == await settings.read()


async def test_changes_of_different_features_at_once_all_hold(settings: SystemSettings) -> None:
    await asyncio.gather(*(settings.change({"features": {name: False}}) for name in ("realtime", "news", "analysis")))
    assert (await settings.read()).features == Features(realtime=False, news=False, analysis=False)


async def test_an_unknown_market_is_invalid(settings: SystemSettings) -> None:
    with pytest.raises(Fault) as refused:
        await settings.change({"default_market": "XX"})
    assert (refused.value.kind, refused.value.field) == (FaultKind.INVALID, "default_market")
    assert (await settings.change({"default_market": "HK"})).default_market == "HK"
