"""The platform's own configuration: one document that both sides read and change."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from backends.domain.errors import Fault, FaultKind
from backends.domain.exchanges import EXCHANGES
from backends.domain.store import Document, Store

COLLECTION = "config"
KEY = "system"


@dataclass(frozen=True, slots=True)
class Features:
    """What is switched on."""

    realtime: bool
    news: bool
    analysis: bool


@dataclass(frozen=True, slots=True)
class SystemConfig:
    """`refresh_interval` is in seconds, `max_watchlist` counts items a user."""

    site_name: str
    default_market: str
    refresh_interval: int
    max_watchlist: int
    features: Features


DEFAULTS = SystemConfig("TACN", "SH", 5, 100, Features(realtime=True, news=True, analysis=True))


class SystemSettings:
    """Reads and changes the document. Features are stored flat, so that changes of different ones do not collide."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self) -> SystemConfig:
        """The configuration in force."""
        return _config(await self._store.get(COLLECTION, KEY) or {})

    async def change(self, changes: Mapping[str, object]) -> SystemConfig:
        """Sets any of the fields; `features` is a mapping of those to change."""
        fields = flattened(changes)
        if fields.get("default_market", DEFAULTS.default_market) not in EXCHANGES:
            raise Fault(FaultKind.INVALID, "there is no such market", "default_market")
        changed = await self._store.update(COLLECTION, {"_id": KEY}, fields)
        if changed is None:
            raise Fault(FaultKind.NOT_FOUND, "the configuration does not exist")
        return _config(changed)


def flattened(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they are stored."""
    features: Mapping[str, Any] = changes.get("features") or {}
    plain = {field: value for field, value in changes.items() if field != "features"}
    return plain | {f"feature_{feature}": value for feature, value in features.items()}


def first_document() -> Document:
    """What a fresh store starts with."""
    return {"_id": KEY, **flattened(asdict(DEFAULTS))}


def _config(stored: Mapping[str, Any]) -> SystemConfig:
    document = {**first_document(), **stored}
    return SystemConfig(
        site_name=document["site_name"],
        default_market=document["default_market"],
        refresh_interval=document["refresh_interval"],
        max_watchlist=document["max_watchlist"],
        features=Features(
            realtime=document["feature_realtime"],
            news=document["feature_news"],
            analysis=document["feature_analysis"],
        ),
    )
