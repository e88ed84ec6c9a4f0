"""The collections and the orders in which they are searched; both drivers create these indexes, none is unique."""

from collections.abc import Mapping
from typing import Final

type Index = tuple[tuple[str, int], ...]

INDEXES: Final[Mapping[str, tuple[Index, ...]]] = {
    "users": (),
    "favorites": ((("user", 1), ("added_at", 1)),),
    "news": ((("published_at", -1),),),
    "queue_tasks": (
        (("user", 1), ("created_at", -1)),
        (("status", 1), ("priority", -1), ("created_at", 1)),
    ),
    "analysis_tasks": ((("user", 1), ("created_at", -1)),),
    "stock_basics": (),
    "daily_quotes": ((("symbol", 1), ("date", 1)), (("date", 1),)),
    "config": (),
}
