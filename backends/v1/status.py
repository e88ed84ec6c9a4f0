"""v1's words for a task's status: it says `queued` and `processing` where the domain says `pending` and `running`."""

from typing import Literal

from backends.domain.queue import TaskStatus

type LegacyStatus = Literal["queued", "processing", "completed", "failed", "cancelled"]

_LEGACY: dict[str, LegacyStatus] = {
    "pending": "queued",
    "running": "processing",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}
_DOMAIN: dict[LegacyStatus, TaskStatus] = {
    "queued": "pending",
    "processing": "running",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}


def legacy_status(status: str) -> LegacyStatus:
    """The domain's status in v1's words."""
    return _LEGACY[status]


def domain_status(status: LegacyStatus) -> TaskStatus:
    """v1's status in the domain's words."""
    return _DOMAIN[status]
