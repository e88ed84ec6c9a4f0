"""One change of a live value: who, when, why, from what to what."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Verb(StrEnum):
    """What was done. The operators' verbs are those of the command line and of the admin API.

    FILE is an edited file; ADVANCE, STEP_DOWN and HOLD are the controller's, who may also use ROLLBACK.
    """

    FILE = "file"
    SET = "set"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    ADVANCE = "advance"
    STEP_DOWN = "step_down"
    HOLD = "hold"
    EXTEND = "extend"
    WITHDRAW = "withdraw"
    CANCEL = "cancel"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the audit log. Events are numbered 1, 2, 3 … without gaps, over all migrations; the last one wins.

    `at` is in Unix seconds. `who` is `operator:NAME`, `file` or `controller:GATEWAY`. `before` and `after` are JSON
    objects: what the verb changed. `fence` is the controller's lease at the time, None for everybody else.
    """

    number: int
    at: float
    migration: str
    verb: Verb
    who: str
    why: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    fence: int | None = None
