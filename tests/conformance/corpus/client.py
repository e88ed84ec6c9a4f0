"""The client's side of a case: raw bytes out, everything that comes back, and a lenient reading of it."""

import asyncio
import collections
import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.core.tasks import spawn
from tests.conformance.corpus.recorder import Recorder

STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")
HALF_CLOSE = b"__EOF__"


@dataclass
class Answer:
    """One answer; status 0 is bytes without a status line."""

    status: int
    headers: Mapping[bytes, list[bytes]]
    body: bytes
    is_complete: bool

    @property
    def is_final(self) -> bool:
        """Whether it answers a request; 1xx do not."""
        return self.status >= 200 or self.status in {0, 101}


def parse_answers(data: bytes, methods: Sequence[bytes]) -> list[Answer]:
    """Read all answers; `methods` are the requests' methods in order, because an answer to HEAD has no body."""
    answers: list[Answer] = []
    position = count = 0
    while position < len(data):
        end = data.find(b"\r\n\r\n", position)
        found = STATUS_LINE.match(data[position : position + 12])
        if not found:
            answers.append(Answer(0, {}, data[position:], is_complete=False))
            break
        status = int(found.group(1))
        if end < 0:
            answers.append(Answer(status, {}, b"", is_complete=False))
            break
        headers = _headers(data[position:end])
        position = end + 4
        if 100 <= status < 200 and status != 101:
            answers.append(Answer(status, headers, b"", is_complete=True))
            continue
        method = methods[count] if count < len(methods) else b"GET"
        count += 1
        if status in {101, 204, 304} or method == b"HEAD":
            answers.append(Answer(status, headers, b"", is_complete=True))
            continue
        body, is_complete, position, is_last = _body(data, position, headers)
        answers.append(Answer(status, headers, body, is_complete))
        if is_last:
            break
    return answers


def _headers(head: bytes) -> Mapping[bytes, list[bytes]]:
    headers = collections.defaultdict(list)
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        headers[name.strip().lower()].append(value.strip())
    return headers


def _body(data: bytes, position: int, headers: Mapping[bytes, list[bytes]]) -> tuple[bytes, bool, int, bool]:
    """Return the body, whether it is complete, where it ends, and whether nothing can follow."""
    if any(b"chunked" in value.lower() for value in headers.get(b"transfer-encoding", [])):
        body, is_complete, position = _chunks(data, position)
        return body, is_complete, position, not is_complete
    if b"content-length" in headers:
        try:
            size = int(headers[b"content-length"][0])
        except ValueError:
            size = 0
        body = data[position : position + size]
        return body, len(body) == size, position + size, False
    return data[position:], True, len(data), True


def _chunks(data: bytes, position: int) -> tuple[bytes, bool, int]:
    body = b""
    while True:
        end = data.find(b"\r\n", position)
        if end < 0:
            return body, False, position
        try:
            size = int(data[position:end].split(b";")[0], 16)
        except ValueError:
            return body, False, position
        position = end + 2
        if size == 0:
            end = data.find(b"\r\n", position)
            while end > position:
                position = end + 2
                end = data.find(b"\r\n", position)
            return body, end == position, position + 2 if end == position else position
        body += data[position : position + size]
        position += size + 2
        if position > len(data):
            return body, False, position


@dataclass
class Talk:
    """What came of sending a case: all bytes, whether the other end closed, and the error's name if one ended it."""

    data: bytes
    is_closed: bool
    error: str = ""


async def talk(
    port: int, segments: Sequence[bytes], methods: Sequence[bytes], wanted: int, quiet: float, recorder: Recorder
) -> Talk:
    """Send the segments, 60 ms apart, and read until the other end closes or falls quiet."""
    try:
        async with asyncio.timeout(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        return Talk(b"", True, f"connect:{type(error).__name__}")
    tasks: set[asyncio.Task[None]] = set()
    sending = spawn(_send(writer, segments), name="send a case", owner=tasks)
    result = await _read(reader, sending, methods, wanted, quiet, recorder)
    sending.cancel()
    if not result.is_closed:  # a proxy may close a moment after its answer
        await _read_once(reader, result, 0.12)
    writer.close()
    return result


async def _send(writer: asyncio.StreamWriter, segments: Sequence[bytes]) -> None:
    for number, segment in enumerate(segments):
        if number:
            await asyncio.sleep(0.06)
        if segment == HALF_CLOSE:
            writer.write_eof()
            continue
        writer.write(segment)
        try:
            async with asyncio.timeout(2):
                await writer.drain()
        except OSError:
            return


async def _read(
    reader: asyncio.StreamReader,
    sending: asyncio.Task[None],
    methods: Sequence[bytes],
    wanted: int,
    quiet: float,
    recorder: Recorder,
    limit: float = 3.0,
) -> Talk:
    result = Talk(b"", False)
    started = last = time.monotonic()
    while time.monotonic() - started < limit and not result.is_closed:
        before = len(result.data)
        await _read_once(reader, result, 0.05)
        now = time.monotonic()
        if len(result.data) > before:
            last = now
        elif not result.is_closed and sending.done():
            idle = now - max(last, recorder.last)
            complete = [
                x for x in parse_answers(result.data, methods) if x.status == 0 or (x.status >= 200 and x.is_complete)
            ]
            if (len(complete) >= wanted and idle > 0.12) or idle > quiet:
                break
    return result


async def _read_once(reader: asyncio.StreamReader, result: Talk, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            data = await reader.read(65536)
    except TimeoutError:
        return
    except OSError as error:
        result.is_closed, result.error = True, type(error).__name__
        return
    result.data += data
    result.is_closed = data == b""


async def canary(port: int, request: bytes, limit: float = 2.0) -> bytes:
    """Send one innocent request on a connection of its own; returns what came."""
    data = b""
    with contextlib.suppress(OSError):
        async with asyncio.timeout(limit):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            while piece := await reader.read(65536):
                data += piece
                final = [x for x in parse_answers(data, [b"GET"]) if x.status >= 200 or x.status == 0]
                if final and final[0].is_complete:
                    break
            writer.close()
    return data
