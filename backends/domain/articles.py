"""Makes up pieces of news. Pure: chance comes in."""

import random
from datetime import datetime
from typing import Any

from backends.domain.clock import iso
from backends.domain.store import Document

SOURCES = ("Market Daily", "Exchange Wire", "Eastern Finance", "Morning Brief")
_EVENTS: dict[str, tuple[str, ...]] = {
    "positive": ("raises its outlook for the year", "wins a large order", "reports record deliveries"),
    "neutral": ("holds its annual meeting", "publishes its quarterly figures", "names a new board member"),
    "negative": ("warns of weaker demand", "recalls a product", "loses a supply contract"),
}
_VOICES = {
    "positive": "Analysts see room for the shares to rise.",
    "neutral": "The shares hardly moved on the day.",
    "negative": "Several brokers cut their targets.",
}


def article(dice: random.Random, news_id: str, symbol: str, name: str, published: datetime) -> Document:
    """One piece of news about a stock, as it is stored."""
    sentiment = dice.choice(tuple(_EVENTS))
    event = dice.choice(_EVENTS[sentiment])
    summary = f"{name} ({symbol}) {event}."
    document: dict[str, Any] = {
        "_id": news_id,
        "title": f"{name} {event}",
        "summary": summary,
        "content": f"{summary} {_VOICES[sentiment]} The company did not comment further.",
        "source": dice.choice(SOURCES),
        "symbols": [symbol],
        "sentiment": sentiment,
        "published_at": iso(published),
    }
    return document
