"""Who has called what, as a worker counts it: rows for the consumer ledger."""

from typing import Final, NamedTuple

OTHERS: Final = "(others)"
"""Stands for the callers, or the fields, for whom there was no room any more."""


class Use(NamedTuple):
    """What one caller has done at one endpoint on one side, as far as no report has said it before.

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
