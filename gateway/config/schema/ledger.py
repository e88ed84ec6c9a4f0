"""`ledger`: how the consumers of the legacy contract are counted."""

from pydantic import Field

from gateway.config.schema.scalars import Duration, Positive, Text
from gateway.config.schema.strict import Strict


class Ledger(Strict):
    """How long the ledger is kept (seconds), and how many callers a worker tells apart between two of its reports.

    `secret` keys the hash that stands for the network of callers who have no identity but their address; without one it
    is random, and such groups do not outlive the process.
    """

    secret: Text | None = Field(default=None, repr=False)
    keep: Duration = 400 * 86_400.0
    callers: Positive = 20_000
