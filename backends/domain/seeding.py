"""What a fresh store begins with: users, stocks, k-lines, news, the configuration.

Safe to repeat and to run in two processes at once: the first to come fixes the day that everything is derived from, and
both then write the same documents under the same keys, of which each is inserted once.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from backends.domain.accounts import USERS
from backends.domain.articles import article
from backends.domain.candles import Candle, made_up, trading_days
from backends.domain.clock import Clock, iso
from backends.domain.listings import LISTINGS, Listing
from backends.domain.market import CANDLES, STOCKS
from backends.domain.news import COLLECTION as NEWS
from backends.domain.passwords import Passwords
from backends.domain.settings import COLLECTION as CONFIG
from backends.domain.settings import first_document
from backends.domain.store import Document, Store

MARK = "seed"
NEWS_ITEMS = 60
NEWS_EVERY = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class SeedUser:
    """A user of the demo; the password is `<name>-demo`."""

    name: str
    role: str
    plan: str


SEED_USERS = (SeedUser("alice", "admin", "pro"), SeedUser("bob", "user", "free"), SeedUser("carol", "user", "beta"))


class Seeding:
    """Fills a store once. Changes nothing that is there already."""

    def __init__(self, store: Store, passwords: Passwords, clock: Clock, *, seed: int, days: int) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock
        self._seed = seed
        self._days = days

    async def run(self) -> bool:
        """Fills what is missing; False, and quick, if all is there."""
        mark = await self._mark()
        if mark["complete"]:
            return False
        day = datetime.fromisoformat(mark["as_of"])
        await self._store.insert(CONFIG, first_document())
        await self._seed_users(day)
        await self._seed_market(mark["seed"], trading_days(day.date(), mark["days"]))
        await self._store.insert_many(NEWS, _news(mark["seed"], day))
        await self._store.update(CONFIG, {"_id": MARK}, {"complete": True})
        return True

    async def _mark(self) -> Document:
        today = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        mark = {"_id": MARK, "seed": self._seed, "days": self._days, "as_of": iso(today), "complete": False}
        await self._store.insert(CONFIG, mark)
        return await self._store.get(CONFIG, MARK) or mark

    async def _seed_users(self, day: datetime) -> None:
        for user in SEED_USERS:
            if await self._store.get(USERS, user.name) is None:
                await self._store.insert(USERS, await self._user(user, day))

    async def _user(self, user: SeedUser, day: datetime) -> Document:
        return {
            "_id": user.name,
            "email": f"{user.name}@example.com",
            "role": user.role,
            "plan": user.plan,
            "client_id": f"{user.name}-app",
            "password_hash": await self._passwords.hash(f"{user.name}-demo"),
            "created_at": iso(day),
        }

    async def _seed_market(self, seed: int, days: Sequence[date]) -> None:
        """The k-lines first: whoever sees a stock also finds its k-lines."""
        by_listing = [(listing, made_up(seed, listing, days)) for listing in LISTINGS]
        await self._store.insert_many(CANDLES, _candles(by_listing))
        await self._store.insert_many(STOCKS, [_stock(listing, candles) for listing, candles in by_listing])


def _candles(by_listing: Iterable[tuple[Listing, Sequence[Candle]]]) -> Iterator[Document]:
    for listing, candles in by_listing:
        for candle in candles:
            yield {"_id": f"{listing.symbol}:{candle.date}", "symbol": listing.symbol, **asdict(candle)}


def _stock(listing: Listing, candles: Sequence[Candle]) -> Document:
    return {
        "_id": listing.symbol,
        "name": listing.name,
        "market": listing.market,
        "industry": listing.industry,
        "list_date": listing.list_date,
        "total_shares": listing.shares_millions * 1_000_000,
        "prev_close": candles[-1].close,
        "usual_volume": sum(candle.volume for candle in candles) // len(candles),
    }


def _news(seed: int, day: datetime) -> Iterator[Document]:
    dice = random.Random(f"news:{seed}")
    for number in range(NEWS_ITEMS):
        listing = LISTINGS[number % len(LISTINGS)]
        yield article(dice, f"n-{number:04}", listing.symbol, listing.name, day - number * NEWS_EVERY)
