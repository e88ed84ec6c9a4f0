"""The platform's own configuration, one document that both sides read and change."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Features:
    """What is switched on."""

    realtime: bool
    news: bool
    analysis: bool


@dataclass(frozen=True, slots=True)
class SystemConfig:
    """`refresh_interval` in seconds; `max_watchlist` items a user."""

    site_name: str
    default_market: str
    refresh_interval: int
    max_watchlist: int
    features: Features


class SystemSettings:
    async def read(self) -> SystemConfig:
        raise NotImplementedError

    async def change(self, changes: Mapping[str, object]) -> SystemConfig:
        """changes: any of SystemConfig's fields; features as a mapping of those to change."""
        raise NotImplementedError
