"""Who has called what, as a worker counts it: rows for the consumer ledger."""

from dataclasses import dataclass
from typing import Final

OTHERS: Final = "(others)"
"""Stands for the callers, or the fields, for whom there was no room any more."""


@dataclass(frozen=True, slots=True)
class Use:
    """What one caller has done at one endpoint on one side since the last report.

    `side` is empty for what was refused because of the phase. `consumer` is never a raw address. `profile` is the JSON
    object that a preview decides by; empty where there is none.
    """

    migration: str
    endpoint: str
    side: str
    consumer: str
    profile: str
    requests: int
    failures: int
