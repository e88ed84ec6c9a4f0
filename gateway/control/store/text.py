"""JSON objects as text: one spelling for equal objects, whatever is in them, half a surrogate pair included."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def dump(value: Any) -> str:
    """Return the one JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def load(text: str) -> Any:
    """Return what `dump` was given, with dictionaries for mappings and lists for sequences."""
    return json.loads(text)


def digest(*parts: Any) -> str:
    """Return a name for some values, always the same, 32 characters."""
    return hashlib.blake2b(dump(parts).encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
