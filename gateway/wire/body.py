"""Bodies: how long they are, and the chunked coding (RFC 9112 sections 6 and 7)."""

import re
from enum import Enum
from functools import lru_cache
from typing import Final

from gateway.wire.fault import WireError
from gateway.wire.line import parse_line

CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})((?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?)")
"""`chunk-size [ chunk-ext ]`; blanks are allowed before an extension only."""

MAX_CHUNK_LINE: Final = 256
MAX_EXTENSIONS: Final = 8192
"""Bytes of chunk extensions in one body: nobody reads them, so more of them is an attack (RFC 9112 section 7.1.1)."""
MAX_TRAILERS: Final = 8192
LENGTH: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


class Framing(Enum):
    """How a message's end is known."""

    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


@lru_cache(maxsize=4096)
def content_length(text: str) -> int:
    """Return a Content-Length; raises WireError."""
    if LENGTH.fullmatch(text) is None:
        raise WireError("Content-Length is not a number.")
    return int(text)


class LengthBody:
    """The decoder of a body of known length."""

    __slots__ = ("left",)

    def __init__(self, length: int) -> None:
        self.left = length

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (payload, what follows the body)."""
        if len(data) <= self.left:
            self.left -= len(data)
            return data, b""
        payload, rest = data[: self.left], data[self.left :]
        self.left = 0
        return payload, rest

    @property
    def is_done(self) -> bool:
        """Whether the body is complete."""
        return self.left == 0


class ChunkedBody:
    """The strict decoder of the chunked coding. Extensions are dropped; trailers are checked, bounded and dropped.

    RFC 9112 section 7.1.2 lets a recipient that is not prepared to merge trailers into the head discard them.
    """

    __slots__ = ("_at", "_buffer", "_extended", "_left", "_reading", "_trailers", "is_done")

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        self._extended = 0
        self._left = 0
        self._reading = self._read_size
        self._trailers = 0
        self.is_done = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (payload, what follows the body); raises WireError."""
        self._buffer += data
        payload: list[bytes] = []
        while not self.is_done and self._reading(payload):
            pass
        left, self._buffer, self._at = self._buffer[self._at :], b"", 0
        if not self.is_done:
            self._buffer, left = left, b""
        return payload[0] if len(payload) == 1 else b"".join(payload), left

    def _read_size(self, payload: list[bytes]) -> bool:
        line = self._line(MAX_CHUNK_LINE)
        if line is None:
            return False
        found = CHUNK_SIZE.fullmatch(line)
        if found is None:
            raise WireError("A chunk's size is malformed.")
        self._extended += len(found[2])
        if self._extended > MAX_EXTENSIONS:
            raise WireError("The chunks' extensions are too large.")
        self._left = int(found[1], 16)
        self._reading = self._read_data if self._left else self._read_trailer
        return True

    def _read_data(self, payload: list[bytes]) -> bool:
        part = self._buffer[self._at : self._at + self._left]
        if not part:
            return False
        self._at += len(part)
        self._left -= len(part)
        payload.append(part)
        if self._left == 0:
            self._reading = self._read_end
        return True

    def _read_end(self, payload: list[bytes]) -> bool:
        end = self._buffer[self._at : self._at + 2]
        if end != b"\r\n"[: len(end)]:
            raise WireError("A chunk is longer than its size.")
        if len(end) < 2:
            return False
        self._at += 2
        self._reading = self._read_size
        return True

    def _read_trailer(self, payload: list[bytes]) -> bool:
        line = self._line(MAX_TRAILERS - self._trailers)
        if line is None:
            return False
        self._trailers += len(line) + 2
        if not line:
            self.is_done = True
        else:
            parse_line(line)
        return True

    def _line(self, limit: int) -> bytes | None:
        end = self._buffer.find(b"\r\n", self._at, self._at + limit + 2)
        if end < 0:
            waiting = self._buffer[self._at : self._at + limit + 1]
            if len(waiting) > limit or b"\n" in waiting or b"\r" in waiting[:-1]:
                raise WireError("The chunked coding is malformed.")
            return None
        line = self._buffer[self._at : end]
        self._at = end + 2
        return line


class UntilClose:
    """The decoder of an answer that ends with its connection."""

    __slots__ = ()
    is_done = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return everything as payload."""
        return data, b""


type Body = LengthBody | ChunkedBody | UntilClose


def chunk(data: bytes) -> bytes:
    """Return one chunk of the chunked coding; `data` is not empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK: Final = b"0\r\n\r\n"
