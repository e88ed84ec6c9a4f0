"""What tests of the backends share: a real Valkey, stores of both kinds, an open platform."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.domain.passwords import Passwords
from backends.domain.platform import Platform, Settings, open_platform
from backends.domain.seeding import Seeding
from backends.domain.store import open_store
from tests.backends.moved_clock import MovedClock

JWT_SECRET = "a-secret-for-tests-of-32-bytes-at-least"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh file."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture(scope="session")
def seeded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded store to copy: seeding each test's own would take most of its time."""
    path = tmp_path_factory.mktemp("seeded") / "store.db"
    asyncio.run(_seed(f"sqlite:///{path}"))
    return path


async def _seed(url: str) -> None:
    store = open_store(url)
    await store.prepare()
    day = MovedClock(datetime(2026, 11, 2, tzinfo=UTC))
    await Seeding(store, Passwords(), day, seed=7, days=260).run()
    await store.close()


@pytest.fixture
def seeded_url(tmp_path: Path, seeded_file: Path) -> str:
    """The URL of a seeded store of the test's own."""
    return f"sqlite:///{shutil.copy(seeded_file, tmp_path / 'seeded.db')}"


@pytest.fixture
def platform_settings(seeded_url: str, redis_url: str) -> Settings:
    """A seeded SQLite file, quick steps and ticks."""
    return Settings(
        store_url=seeded_url,
        redis_url=redis_url,
        jwt_secret=JWT_SECRET,
        step_seconds=0.01,
        quote_interval_seconds=0.05,
    )


@pytest.fixture
async def platform(platform_settings: Settings) -> AsyncIterator[Platform]:
    """An open, seeded platform with its runner and quote service."""
    async with open_platform(platform_settings) as opened:
        yield opened
