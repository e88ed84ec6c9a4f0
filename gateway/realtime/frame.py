"""RFC 6455 frames as we send them, encoded whole, and the words of the protocol: opcodes, close codes, events. Pure."""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

LONGEST_CONTROL: Final = 125
LONGEST_REASON: Final = LONGEST_CONTROL - 2
FINAL: Final = 0x80
_SHORT: Final = Struct("!BB")
_MEDIUM: Final = Struct("!BBH")
_LONG: Final = Struct("!BBQ")
_TWO: Final = Struct("!H")

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
UNSUPPORTED: Final = 1003
BAD_DATA: Final = 1007
TOO_BIG: Final = 1009
RESTART: Final = 1012
OVERLOADED: Final = 1013

GOOD_CODES: Final = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
"""Close codes that may be in a frame: section 7.4, and those that were registered since."""


class Opcode(IntEnum):
    """What a frame carries (section 5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


@dataclass(frozen=True, slots=True)
class Text:
    """A whole text message."""

    text: str


@dataclass(frozen=True, slots=True)
class Binary:
    """A whole binary message."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """A ping, to be answered with the same data."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    """A pong, asked for or not."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The peer closes; `code` is None when it gives none."""

    code: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The peer has broken the protocol: the connection ends with this close code."""

    code: int
    reason: str


type Event = Text | Binary | Ping | Pong | Close | Broken


def encode(opcode: Opcode, payload: bytes) -> bytes:
    """Return a whole unmasked frame, as servers send them (section 5.1)."""
    length = len(payload)
    if length <= LONGEST_CONTROL:
        return _SHORT.pack(FINAL | opcode, length) + payload
    if length < 1 << 16:
        return _MEDIUM.pack(FINAL | opcode, 126, length) + payload
    return _LONG.pack(FINAL | opcode, 127, length) + payload


def text(payload: bytes) -> bytes:
    """Return a text frame around UTF-8."""
    return encode(Opcode.TEXT, payload)


def close(code: int | None, reason: str = "") -> bytes:
    """Return a close frame; a reason that is too long is cut between two characters."""
    if code is None:
        return encode(Opcode.CLOSE, b"")
    short = reason.encode()[:LONGEST_REASON].decode(errors="ignore").encode()
    return encode(Opcode.CLOSE, _TWO.pack(code) + short)


def unmask(data: bytes, mask: bytes) -> bytes:
    """Return data with the mask taken off or put on (section 5.3): as two numbers, which is faster than any loop."""
    length = len(data)
    stream = (mask * ((length + 3) // 4))[:length]
    return (int.from_bytes(data) ^ int.from_bytes(stream)).to_bytes(length)
