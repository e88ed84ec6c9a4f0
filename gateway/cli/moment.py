"""`--at`: a day, or a moment of it."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import click

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
DAY_SECONDS = 86400.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` until before `end`, Unix seconds: a whole day (UTC), or the second of a moment."""

    start: float
    end: float

    @classmethod
    def now(cls) -> Self:
        """Return the second that is now."""
        return cls.of(time.time())

    @classmethod
    def of(cls, moment: float) -> Self:
        """Return a moment's second."""
        return cls(moment, moment + 1)


def at_option(text: str, *, name: str = "at", is_required: bool = False) -> Callable[[Any], Any]:
    """Return the option."""
    told = f"{text} ISO 8601; a bare date is the day in UTC."
    return click.option(f"--{name}", metavar="ISO", callback=_read, required=is_required, help=told)


def _read(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Stretch | None:
    from gateway.policy.decide import parse_moment

    if value is None:
        return None
    try:
        moment = parse_moment(value)
    except ValueError:
        raise click.BadParameter(f"write a date or time such as 2027-02-01T09:00Z, not {value!r}.") from None
    return Stretch(moment, moment + DAY_SECONDS) if DAY.fullmatch(value) else Stretch.of(moment)
