"""The incremental reader of what clients send (RFC 6455 sections 5 and 8.1). Pure.

It is strict and fails at once: whatever can no longer become a good message is refused at the byte that spoils it, and
nothing after that is read. No extension is spoken, so every reserved bit is an error.
"""

import codecs
from dataclasses import dataclass
from struct import Struct
from typing import Final

from gateway.realtime.frame import (
    BAD_DATA,
    FINAL,
    GOOD_CODES,
    LONGEST_CONTROL,
    PROTOCOL_ERROR,
    TOO_BIG,
    Binary,
    Broken,
    Close,
    Event,
    Opcode,
    Ping,
    Pong,
    Text,
    unmask,
)

RESERVED: Final = 0x70
MASKED: Final = 0x80
CONTROL: Final = 0x8
OPCODES: Final = frozenset(map(int, Opcode))
SURROGATE: Final = 0xED
FIRST_SURROGATE: Final = 0xA0
_TWO: Final = Struct("!H")
_EIGHT: Final = Struct("!Q")


class BrokenError(Exception):
    """The bytes can no longer become a good frame; `code` is the close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(slots=True)
class _Frame:
    """A frame whose head is known. `missing` bytes of its payload are still to come, `mask` is turned along."""

    opcode: int
    is_final: bool
    missing: int
    mask: bytes

    def take(self, data: bytes, at: int) -> bytes:
        """Return what is there of the payload, unmasked."""
        piece = data[at : at + self.missing]
        plain = unmask(piece, self.mask)
        self.missing -= len(piece)
        turn = len(piece) & 3
        self.mask = self.mask[turn:] + self.mask[:turn]
        return plain


class _TextMessage:
    """Collects a text and refuses it at its first byte that is no UTF-8."""

    __slots__ = ("_decoder", "_texts", "length")

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._texts: list[str] = []
        self.length = 0

    def add(self, piece: bytes, *, is_last: bool) -> None:
        """Take a piece; raises BrokenError."""
        self.length += len(piece)
        try:
            self._texts.append(self._decoder.decode(piece, is_last))
            held = self._decoder.getstate()[0]
        except UnicodeDecodeError:
            raise BrokenError(BAD_DATA, "a text message must be UTF-8") from None
        if len(held) > 1 and held[0] == SURROGATE and held[1] >= FIRST_SURROGATE:
            # The one fault for which Python's decoder waits until the character is complete.
            raise BrokenError(BAD_DATA, "a text message must be UTF-8")

    def event(self) -> Event:
        """Return the whole message."""
        return Text("".join(self._texts))


class _BinaryMessage:
    """Collects bytes."""

    __slots__ = ("_pieces", "length")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.length = 0

    def add(self, piece: bytes, *, is_last: bool) -> None:
        """Take a piece."""
        self.length += len(piece)
        self._pieces.append(piece)

    def event(self) -> Event:
        """Return the whole message."""
        return Binary(b"".join(self._pieces))


class Reader:
    """Owns what was read of a message that is not complete yet. One that `is_at_rest` may be thrown away.

    `limit` bounds a message in bytes, however it is cut. After Close or Broken it reads nothing any more.
    """

    __slots__ = ("_frame", "_is_over", "_limit", "_message", "_rest")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""
        self._frame: _Frame | None = None
        self._message: _TextMessage | _BinaryMessage | None = None
        self._is_over = False

    def __repr__(self) -> str:
        state = "over" if self._is_over else "at rest" if self.is_at_rest else "in a message"
        return f"<Reader {state}, {self._message.length if self._message is not None else 0} bytes>"

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is half read."""
        return not (self._rest or self._frame is not None or self._message is not None or self._is_over)

    def feed(self, data: bytes) -> list[Event]:
        """Read on and return what is complete now; the last event may be Close or Broken."""
        events: list[Event] = []
        if self._is_over:
            return events
        try:
            self._feed(self._rest + data if self._rest else data, events)
        except BrokenError as error:
            self._end()
            events.append(Broken(error.code, error.reason))
        return events

    def _feed(self, data: bytes, events: list[Event]) -> None:
        at = 0
        while at < len(data) and not self._is_over:
            if self._frame is None:
                found = self._head(data, at)
                if found is None:
                    break
                frame, start = found
                if frame.opcode & CONTROL:
                    if len(data) - start < frame.missing:
                        break  # its few bytes wait until they are all there
                    at = start + frame.missing
                    events.append(self._control(frame.opcode, frame.take(data, start)))
                    continue
                self._frame, at = frame, start
            at += self._data(self._frame, data, at, events)
        self._rest = data[at:] if not self._is_over else b""

    def _data(self, frame: _Frame, data: bytes, at: int, events: list[Event]) -> int:
        """Take what is there of a data frame; return how many bytes that is."""
        message = self._message
        if message is None:
            message = self._message = _TextMessage() if frame.opcode == Opcode.TEXT else _BinaryMessage()
        plain = frame.take(data, at) if frame.missing else b""
        is_whole = frame.missing == 0
        if plain or (is_whole and frame.is_final):
            message.add(plain, is_last=is_whole and frame.is_final)
        if is_whole:
            self._frame = None
            if frame.is_final:
                self._message = None
                events.append(message.event())
        return len(plain)

    def _head(self, data: bytes, at: int) -> tuple[_Frame, int] | None:
        """Return the frame that begins at `at`, and where its payload does; None while its head is incomplete."""
        first = data[at]
        self._check_first(first)
        have = len(data) - at
        if have < 2:
            return None
        second = data[at + 1]
        _check_second(first, second)
        length = second & 0x7F
        size = 2 if length < 126 else 4 if length == 126 else 10
        if have < size:
            return None
        if size == 4:
            length = _minimal(_TWO.unpack_from(data, at + 2)[0], 126)
        elif size == 10:
            length = _minimal(_EIGHT.unpack_from(data, at + 2)[0], 1 << 16)
        self._check_size(first, length)
        if have < size + 4:
            return None
        start = at + size + 4
        return _Frame(first & 0xF, bool(first & FINAL), length, data[at + size : start]), start

    def _check_first(self, first: int) -> None:
        opcode = first & 0xF
        if first & RESERVED:
            raise BrokenError(PROTOCOL_ERROR, "a reserved bit is set")
        if opcode not in OPCODES:
            raise BrokenError(PROTOCOL_ERROR, "this opcode is reserved")
        if opcode & CONTROL:
            if not first & FINAL:
                raise BrokenError(PROTOCOL_ERROR, "a control frame must not be fragmented")
        elif opcode == Opcode.CONTINUATION and self._message is None:
            raise BrokenError(PROTOCOL_ERROR, "there is no message to continue")
        elif opcode != Opcode.CONTINUATION and self._message is not None:
            raise BrokenError(PROTOCOL_ERROR, "a new message begins inside of another")

    def _check_size(self, first: int, length: int) -> None:
        """Refuse a message as soon as it says that it will be too long."""
        so_far = self._message.length if self._message is not None else 0
        if not first & CONTROL and so_far + length > self._limit:
            raise BrokenError(TOO_BIG, f"a message may have {self._limit} bytes")

    def _control(self, opcode: int, payload: bytes) -> Event:
        if opcode == Opcode.PING:
            return Ping(payload)
        if opcode == Opcode.PONG:
            return Pong(payload)
        event = _close(payload)
        self._end()
        return event

    def _end(self) -> None:
        self._is_over = True
        self._rest = b""
        self._frame = self._message = None


def _check_second(first: int, second: int) -> None:
    if not second & MASKED:
        raise BrokenError(PROTOCOL_ERROR, "a client's frame must be masked")
    if first & CONTROL and second & 0x7F > LONGEST_CONTROL:
        raise BrokenError(PROTOCOL_ERROR, "a control frame is too long")


def _minimal(length: int, least: int) -> int:
    """Section 5.2: the minimal number of bytes must be used, and the most significant bit must be 0."""
    if length < least:
        raise BrokenError(PROTOCOL_ERROR, "the length is not written in the shortest way")
    if length >> 63:
        raise BrokenError(PROTOCOL_ERROR, "the length is negative")
    return length


def _close(payload: bytes) -> Close:
    """Read a close frame's code and reason (sections 5.5.1 and 7.4)."""
    if not payload:
        return Close(None, "")
    if len(payload) == 1:
        raise BrokenError(PROTOCOL_ERROR, "a close frame has no code or all of it")
    code: int = _TWO.unpack_from(payload)[0]
    if code not in GOOD_CODES:
        raise BrokenError(PROTOCOL_ERROR, f"the code {code} must not be sent")
    try:
        return Close(code, payload[2:].decode())
    except UnicodeDecodeError:
        raise BrokenError(BAD_DATA, "the reason of a close must be UTF-8") from None
