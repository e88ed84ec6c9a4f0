"""The upstream of our gateway: one WebSocket in the dialect `tacn.v2`, which says yes to everything and then pushes."""

import base64
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Iterable
from typing import Any

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
RECEIVE_BYTES = 1 << 18


class Feeder:
    """Owns the listening socket and the one connection of the gateway's; threads of its own answer it."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._peer: socket.socket | None = None
        self._lock = threading.Lock()
        self.subscribed: set[str] = set()
        threading.Thread(target=self._serve, daemon=True).start()

    def publish(self, messages: Iterable[tuple[str, str]]) -> None:
        """Push messages, each a symbol and the members of its data, in one write."""
        data = b"".join(_frame(_update(symbol, members)) for symbol, members in messages)
        assert self._peer is not None
        with self._lock:
            self._peer.sendall(data)

    def close(self) -> None:
        """End."""
        self._door.close()
        if self._peer is not None:
            self._peer.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._hear, args=(connection,), daemon=True).start()

    def _hear(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._talk(connection)
            except (OSError, ValueError, StopIteration):
                return

    def _talk(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(RECEIVE_BYTES)
            if not piece:
                return
            head += piece
        head, _, rest = head.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        raw = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        key = next(value for name, value in raw.items() if name.lower() == b"sec-websocket-key")
        if b"upgrade" not in fields:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: tacn.v2\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._peer = connection
        while True:
            rest = self._answer(connection, rest)
            piece = connection.recv(RECEIVE_BYTES)
            if not piece:
                return
            rest += piece

    def _answer(self, connection: socket.socket, data: bytes) -> bytes:
        while (found := _parse(data)) is not None:
            opcode, payload, data = found
            if opcode == 9:
                with self._lock:
                    connection.sendall(bytes([0x8A, len(payload)]) + payload)
            elif opcode == 1:
                command = json.loads(payload)
                with self._lock:
                    connection.sendall(_frame(json.dumps(self._obey(command)).encode()))
        return data

    def _obey(self, command: dict[str, Any]) -> dict[str, Any]:
        data = command.get("data", {})
        if command.get("type") == "ping":
            return {"type": "pong", "id": command.get("id")}
        symbols = data.get("symbols") or data.get("tasks") or []
        is_on = data.get("action") == "subscribe"
        self.subscribed = self.subscribed | set(symbols) if is_on else self.subscribed - set(symbols)
        done = {"success": True, "subscribed": symbols if is_on else [], "unsubscribed": [] if is_on else symbols}
        return {
            "type": "ack",
            "id": command.get("id"),
            "channel": command.get("channel"),
            "timestamp": 0,
            "data": {**done, "errors": []},
        }


def _update(symbol: str, members: str) -> bytes:
    return (
        f'{{"type":"quote_update","channel":"quotes","timestamp":1763812345678,"data":{{"code":"{symbol}",{members}}}}}'
    ).encode()


def _frame(payload: bytes) -> bytes:
    size = len(payload)
    return (b"\x81" + bytes([size]) if size < 126 else b"\x81\x7e" + struct.pack("!H", size)) + payload


def _parse(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Return opcode, payload and the rest, or None when the masked frame is not complete."""
    if len(data) < 6:
        return None
    size, at = data[1] & 127, 2
    if size == 126:
        size, at = struct.unpack("!H", data[2:4])[0], 4
    elif size == 127:
        if len(data) < 14:
            return None
        size, at = struct.unpack("!Q", data[2:10])[0], 10
    if len(data) < at + 4 + size:
        return None
    mask = data[at : at + 4]
    body = data[at + 4 : at + 4 + size]
    plain = bytes(byte ^ mask[index & 3] for index, byte in enumerate(body))
    return data[0] & 15, plain, data[at + 4 + size :]
