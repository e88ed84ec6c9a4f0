"""What Redis runs for us, and how it is asked: one call for all checks that were collected, packed as doubles.

Redis holds one theoretical arrival time a key, in microseconds since 2023-11-14T22:13:20Z (so that a double resolves
1/64 µs), for as long as it lies ahead. Its own clock is the only one that counts. What it is told are microseconds,
what it answers are seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from struct import pack
from typing import Final

from gateway.config.snapshot import Quota

PREFIX: Final = "crossfade:quota"
MEMBERS: Final = b"crossfade:gateways"
MEMBER_SECONDS: Final = 5.0
"""A process that has not been heard of for so long is gone."""

_COMMON: Final = """
local time = redis.call('TIME')
local now = (tonumber(time[1]) - 1700000000) * 1000000 + tonumber(time[2])
local held = redis.call('MGET', unpack(KEYS))
local tats = {}
for at, key in ipairs(KEYS) do
  tats[key] = math.max(tonumber(held[at] or 0) or 0, now)
end
local function keep(key)
  redis.call('SET', key, string.format('%.17g', tats[key]), 'PX', math.ceil((tats[key] - now) / 1000) + 1)
end
"""

_CHECK: Final = (
    _COMMON
    + """
local blob, size, pos, at = ARGV[1], #ARGV[1], 1, 0
local answer, changed = {}, {}
while pos <= size do
  local charges, fits
  charges, pos = struct.unpack('<d', blob, pos)
  local first = pos
  fits = 1
  for n = 1, charges do
    local increment, tolerance
    increment, tolerance, pos = struct.unpack('<dd', blob, pos)
    pos = pos + 16
    local key = KEYS[at + n]
    if tats[key] > now + tolerance + increment then tats[key] = now + tolerance + increment end
    if tats[key] - tolerance - now > 1 then fits = 0 end
  end
  answer[#answer + 1] = struct.pack('<d', fits)
  pos = first
  for n = 1, charges do
    local increment, tolerance, unit, more
    increment, tolerance, unit, more, pos = struct.unpack('<dddd', blob, pos)
    local key = KEYS[at + n]
    if fits == 1 then
      tats[key] = tats[key] + increment
      more = math.max(0, math.min(more, math.floor((now + tolerance + increment - tats[key]) / unit)))
      tats[key] = tats[key] + more * unit
      changed[key] = true
    else
      more = 0
    end
    answer[#answer + 1] = struct.pack('<dd', (tats[key] - now) / 1000000, more)
  end
  at = at + charges
end
for key in pairs(changed) do
  if tats[key] > now then keep(key) end
end
return table.concat(answer)
"""
)

_REMEMBER: Final = (
    _COMMON
    + """
for at, key in ipairs(KEYS) do
  local ahead = struct.unpack('<d', ARGV[1], at * 8 - 7)
  if now + ahead > tats[key] then tats[key] = now + ahead end
  if tats[key] > now then keep(key) end
end
return 'OK'
"""
)

_BEAT: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[1], math.ceil(tonumber(ARGV[2])))
return redis.call('ZCARD', KEYS[1])
"""


@dataclass(frozen=True, slots=True)
class Script:
    """A script and how it is called: by its digest, or with its text where Redis does not know it (any more)."""

    text: str
    _by_digest: bytes = field(init=False, repr=False)
    _by_text: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        text = self.text.encode()
        digest = sha1(text, usedforsecurity=False).hexdigest().encode()
        object.__setattr__(self, "_by_digest", b"$7\r\nEVALSHA\r\n" + _bulk(digest))
        object.__setattr__(self, "_by_text", b"$4\r\nEVAL\r\n" + _bulk(text))

    def call(self, keys: Sequence[bytes], argument: bytes, *more: bytes, with_text: bool = False) -> bytes:
        """Return the command; `keys` are written out already, see `key_of`."""
        words = [_bulk(argument), *map(_bulk, more)]
        head = b"*%d\r\n" % (3 + len(keys) + len(words))
        name = self._by_text if with_text else self._by_digest
        return b"".join([head, name, _bulk(b"%d" % len(keys)), *keys, *words])


def command(*words: bytes) -> bytes:
    """Return a command of plain words."""
    return b"".join([b"*%d\r\n" % len(words), *map(_bulk, words)])


def _bulk(word: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(word), word)


CHECK: Final = Script(_CHECK)
"""Keys: one for each charge. Argument: for each request the number of its charges, then of each charge `increment`,
`tolerance`, `unit`, `more`. All charges of a request are taken or none; then up to `more` units are taken where they
fit. Answers for each request 1 or 0, then of each charge how far ahead its time lies, and how many units more it took.
It says so in seconds.
"""
REMEMBER: Final = Script(_REMEMBER)
"""Keys, and for each how far ahead its time lies at least."""
BEAT: Final = Script(_BEAT)
"""Who is alive. Arguments: our name, and after how many seconds one is gone. Answers how many there are."""


def key_of(quota: str, key: str) -> bytes:
    """Return the Redis key of one quota's key, as a word of a command."""
    word = f"{PREFIX}:{quota}:{key}".encode("utf-8", "surrogatepass")
    return b"$%d\r\n%b\r\n" % (len(word), word)


def terms(quota: Quota, more: int = 0, *, is_counted: bool = True) -> bytes:
    """Return a charge's four numbers; one that is not counted only takes `more`."""
    window = quota.window * 1e6
    increment = quota.increment * 1e6 if is_counted else 0.0
    return pack("<dddd", increment, window - increment, window / quota.quota, more)


COUNTS: Final = tuple(pack("<d", count) for count in range(1_000))
"""What stands before so many charges of one request."""
