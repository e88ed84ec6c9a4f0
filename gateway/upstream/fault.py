"""What can go wrong between us and a backend, before its answer has begun or while it flows."""

import errno
from enum import Enum, auto
from typing import Final

EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""We have no descriptors, memory or ports left: no backend is to blame for that."""


class UpstreamFault(Enum):
    """The kinds of failure. UNREACHABLE: nothing was sent; LOST: the connection ended without an answer."""

    UNREACHABLE = auto()
    LOST = auto()
    TIMEOUT = auto()
    INVALID = auto()
    OVERLOADED = auto()


class UpstreamError(Exception):
    """A failed exchange with a backend; `detail` is a sentence that may be told to the client.

    `is_ours`: no backend is to blame. We had no place for a connection, nothing left to open one with, or are closing.
    """

    def __init__(self, fault: UpstreamFault, detail: str, *, is_ours: bool = False) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail
        self.is_ours = is_ours or fault is UpstreamFault.OVERLOADED


def is_exhaustion(error: OSError | ValueError) -> bool:
    """Return whether an error is our own lack of something."""
    return isinstance(error, OSError) and error.errno in EXHAUSTED
