"""Writes request files for the generator: heads and small bodies ready to send. See load/generator.c for the format."""

import json
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from benchmarks.traffic.catalogue import Target, pick, targets, unique
from benchmarks.traffic.headers import HeaderSet, header_sets, shuffled
from benchmarks.traffic.identity import Signer

_RECORD = struct.Struct("=IiI")
_TRACE = "00-00000000000000000000000000000000-0000000000000000-01"
MIXED_COUNT = 20_000


def record(head: bytes, *, fill: int = 0) -> bytes:
    """Return one record; the generator invents `fill` bytes of body and a traceparent where the head has one."""
    trace = head.find(_TRACE.encode())
    return _RECORD.pack(len(head), trace, fill) + head


def request(target: Target, fields: HeaderSet, body: bytes = b"") -> bytes:
    """Return a request as sent."""
    lines = [f"{target.method} {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode() + body


def write(path: Path, records: Iterable[bytes]) -> Path:
    """Write a request file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(records)
    return path


def mixed(tokens: list[str], *, count: int = MIXED_COUNT) -> Iterator[bytes]:
    """Yield requests of random users for random paths in random header sets; the order of a set is fixed."""
    chance, found = Random(20), targets()
    sets = [shuffled(chance, [*fields, *_own(chance, number)]) for number, fields in enumerate(header_sets())]
    for _ in range(count):
        user = chance.randrange(len(tokens))
        fields = _signed(sets[chance.randrange(len(sets))], tokens[user], f"sid=s{user:05d}; theme=dark; lang=zh")
        yield _with_body(pick(chance, found), fields, chance.randrange(1 << 32))


def _own(chance: Random, number: int) -> HeaderSet:
    """Fields whose values the request fills in; cookies only where a browser would send them."""
    cookie = [("Cookie", "")] if number < 15 else []
    return [("Authorization", ""), ("traceparent", _TRACE), *cookie]


def _signed(fields: HeaderSet, token: str, cookie: str) -> HeaderSet:
    values = {"Authorization": f"Bearer {token}", "Cookie": cookie}
    return [(name, values.get(name, value)) for name, value in fields]


def _with_body(target: Target, fields: HeaderSet, seed: int) -> bytes:
    if target.method != "POST":
        return record(request(target, fields))
    body = _document(seed)
    framed = [*fields, ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return record(request(target, framed, body))


def _document(seed: int) -> bytes:
    """Return about 200 bytes of JSON."""
    value = {
        "stock_code": f"{seed % 1_000_000:06d}",
        "stock_name": "KWEICHOW MOUTAI",
        "tags": ["core", "consumer", f"batch-{seed:08x}"],
        "notes": "watch the quarterly report and the inventory turnover",
        "alert_price_high": 1890.5,
        "alert_price_low": 1402.25,
    }
    return json.dumps(value).encode()


def once(start: int, count: int) -> Iterator[bytes]:
    """Yield requests in which every token, path and field value is seen once; only Host and framing repeat."""
    signer, chance = Signer(), Random(start)
    sets = [shuffled(chance, [*fields, *_own(chance, number)]) for number, fields in enumerate(header_sets())]
    for number in range(start, start + count):
        mark = f"{number:08x}"
        fields = _signed(sets[number % len(sets)], signer.token(f"once-{mark}"), f"sid=s{mark}; theme=dark; lang=zh")
        yield _with_body(unique(number), [_marked(name, value, mark) for name, value in fields], number)


def _marked(name: str, value: str, mark: str) -> tuple[str, str]:
    """Make a value unlike any other, without changing what it means to a proxy."""
    if name in {"Host", "Connection", "Authorization", "Cookie", "traceparent"}:
        return name, value
    return name, f"{value};m={mark}"


def repeated(target: Target, tokens: list[str], *, fill: int = 0) -> Iterator[bytes]:
    """Yield one request for each user for the same target: for large answers and, with `fill`, for uploads."""
    body = [("Content-Type", "application/octet-stream"), ("Content-Length", str(fill))] if fill else []
    fields = [("Host", "api.example.com"), ("User-Agent", "okhttp/4.12.0"), ("Accept", "*/*"), ("traceparent", _TRACE)]
    for token in tokens:
        head = request(target, [*fields, ("Authorization", f"Bearer {token}"), *body])
        yield record(head, fill=fill)
