"""The identifiers a request carries through all systems: `X-Request-Id` and `traceparent`."""

import re
import secrets
from itertools import count
from typing import Final

REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""A W3C trace context that is continued; any other is replaced by the start of a new one."""


class RequestIds:
    """Makes request ids: a random prefix of this process, then a counter, because that is unique and costs nothing."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(6)
        self._counter = count(1)

    def keep(self, given: str | None) -> str:
        """Return the client's id when it is 1–128 visible ASCII characters, else a new one."""
        if given is not None and REQUEST_ID.fullmatch(given):
            return given
        return f"{self._prefix}-{next(self._counter):x}"


def new_trace() -> str:
    """Return the start of a new, unsampled trace."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
