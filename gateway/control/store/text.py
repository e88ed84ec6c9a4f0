"""JSON objects as text: one spelling for equal objects, whatever is in them, half a surrogate pair included."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from gateway.control.event import Verb
from gateway.control.store.port import StoreError


def dump(value: Any) -> str:
    """Return the one JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def load(text: str) -> Any:
    """Return what `dump` was given, with dictionaries for mappings and lists for sequences."""
    return json.loads(text)


def digest(*parts: Any) -> str:
    """Return a name for some values, always the same, 32 characters."""
    return hashlib.blake2b(dump(parts).encode(), digest_size=16).hexdigest()


def verb(name: str) -> Verb:
    """Read an event's verb; raises StoreError for one that only a newer version knows."""
    try:
        return Verb(name)
    except ValueError:
        raise StoreError(
            f"an event says {name!r}, which this version does not know: a newer gateway wrote it"
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
