"""The ledger's documents in MongoDB: one for each day, migration, endpoint, side, caller and profile.

`seen` holds the number of each writer's last batch that the document has in it.
"""

from array import array
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, Final

from pymongo import UpdateOne

from gateway.control.store import text
from gateway.control.usage import Batch, Days, Total, Usage

INDEXES: Final = ([("migration", 1), ("consumer", 1)], [("day", 1)])


def _on(side: str, field: str) -> dict[str, Any]:
    return {"$sum": {"$cond": [{"$eq": ["$side", side]}, field, 0]}}


def _sums(*fields: str) -> dict[str, Any]:
    return {field: {"$sum": f"${field}"} for field in fields}


_COUNTS: Final = ("legacy", "successor", "refused", "legacy_failures", "successor_failures")
_SPAN: Final = {"first": {"$min": "$first"}, "last": {"$max": "$last"}}

TOTALS: Final[list[dict[str, Any]]] = [
    {
        "$group": {
            "_id": {"migration": "$migration", "consumer": "$consumer", "endpoint": "$endpoint", "day": "$day"},
            "requests": {"$sum": "$requests"},
            "legacy": _on("legacy", "$requests"),
            "successor": _on("successor", "$requests"),
            "refused": _on("", "$requests"),
            "legacy_failures": _on("legacy", "$failures"),
            "successor_failures": _on("successor", "$failures"),
            **_SPAN,
        }
    },
    {
        "$group": {
            "_id": {"migration": "$_id.migration", "consumer": "$_id.consumer"},
            "parts": {"$push": {"endpoint": "$_id.endpoint", "day": "$_id.day", "requests": "$requests"}},
            **_sums(*_COUNTS),
            **_SPAN,
        }
    },
]

CALLS: Final[list[dict[str, Any]]] = [
    {"$group": {"_id": {"migration": "$migration", "consumer": "$consumer"}, "legacy": _on("legacy", "$requests")}},
]


def addition(row: Usage, batch: Batch) -> UpdateOne:
    """Return what adds a row unless the document has this batch, and makes the document when there is none."""
    seen = f"seen.{text.digest(batch.writer)}"
    key = {
        "day": row.day,
        "migration": row.migration,
        "endpoint": row.endpoint,
        "side": row.side,
        "consumer": row.consumer,
        "profile": row.profile,
    }
    change = {
        "$inc": {"requests": row.requests, "failures": row.failures},
        "$min": {"first": int(row.first)},
        "$max": {"last": int(row.last)},
        "$set": {seen: batch.number},
        "$setOnInsert": key,
    }
    return UpdateOne({"_id": text.digest(*key.values()), seen: {"$not": {"$gte": batch.number}}}, change, upsert=True)


def usage(found: Mapping[str, Any]) -> Usage:
    """Return a document's row."""
    who = (found["migration"], found["endpoint"], found["side"], found["consumer"], found["profile"])
    span = float(found["first"]), float(found["last"])
    return Usage(found["day"], *who, found["requests"], found["failures"], *span)


def total(found: Mapping[str, Any]) -> Total:
    """Return what the pipeline has found of one consumer."""
    endpoints: dict[str, int] = {}
    days: dict[int, int] = {}
    for part in found["parts"]:
        endpoints[part["endpoint"]] = endpoints.get(part["endpoint"], 0) + part["requests"]
        days[part["day"]] = days.get(part["day"], 0) + part["requests"]
    return Total(
        migration=found["_id"]["migration"],
        consumer=found["_id"]["consumer"],
        first=float(found["first"]),
        last=float(found["last"]),
        endpoints=endpoints,
        days=Days(array("I", sorted(days)), array("Q", accumulate(days[day] for day in sorted(days))), 0),
        **{name: found[name] for name in _COUNTS},
    )
