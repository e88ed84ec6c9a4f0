"""HTTP nouns as the policy sees them, free of any server or client library."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Final, Self

type Fields = tuple[tuple[str, str], ...]
"""Header fields in order, names as they were sent."""

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = f"(?P<month>{'|'.join(MONTHS)})"
_TIME = "(?P<time>[0-2][0-9]:[0-5][0-9]:[0-6][0-9])"
HTTP_DATES: Final = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_TIME} GMT",
        rf"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_TIME} GMT",
        rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) {_MONTH} (?P<day>\d\d| \d) {_TIME} (?P<year>\d{{4}})",
    )
)
"""IMF-fixdate, and the two obsolete forms that recipients still have to read."""
PIVOT: Final = 77
"""From which two-digit year on the last century is meant: more than 50 years ahead is none."""

CLIENT_GONE = 499
"""The status noted (never sent) when the client left before the answer's head: neither good nor bad."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""RFC 9110 section 9.2.1, without TRACE, which is not served."""


@dataclass(slots=True)
class RequestHead:
    """What a client asked for, without the body. Read-only: what is sent on is written anew.

    `path` is the raw (percent-encoded) path without the query, `query` the raw query without its question mark,
    `peer` the address of the other end of the connection, `lookup` the fields by lower-case name with repeated ones
    joined (RFC 9110 section 5.3).
    """

    method: str
    path: str
    query: str
    peer: str
    lookup: dict[str, str]

    @classmethod
    def of(cls, method: str, target: str, fields: Iterable[tuple[str, str]] = (), peer: str = "127.0.0.1") -> Self:
        """Build a head from an origin-form target such as `/api/favorites?page=2`."""
        path, _, query = target.partition("?")
        return cls(method, path, query, peer, _index(fields))

    def get(self, name: str) -> str | None:
        """Return the value of the field with this lower-case name."""
        return self.lookup.get(name)

    @property
    def target(self) -> str:
        """The origin-form request target: path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path


def _index(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    lookup: dict[str, str] = {}
    for name, value in fields:
        key = name.lower()
        if key in lookup:
            separator = "; " if key == "cookie" else ", "
            lookup[key] = lookup[key] + separator + value
        else:
            lookup[key] = value
    return lookup


@lru_cache(maxsize=256)
def http_date(timestamp: float) -> str:
    """Return an IMF-fixdate (RFC 9110 section 5.6.7), e.g. `Sun, 31 Jan 2027 00:00:00 GMT`."""
    return formatdate(timestamp, usegmt=True)


def iso_time(moment: float) -> str:
    """Return Unix seconds as ISO 8601 in UTC, e.g. `2027-01-31T00:00:00Z`."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def parse_http_date(text: str) -> float | None:
    """Return Unix seconds for an HTTP date in any of its forms (RFC 9110 section 5.6.7), None for what is none."""
    for form in HTTP_DATES:
        found = form.fullmatch(text)
        if found is None:
            continue
        year, month = int(found["year"]), MONTHS.index(found["month"]) + 1
        if len(found["year"]) == 2:
            year += 2000 if year < PIVOT else 1900
        clock = [int(part) for part in found["time"].split(":")]
        try:
            # A leap second is written as :60, which a datetime does not have.
            moment = datetime(year, month, int(found["day"]), clock[0], clock[1], min(clock[2], 59), tzinfo=UTC)
        except ValueError:
            return None
        return moment.timestamp()
    return None


def cookie(header: str | None, name: str) -> str | None:
    """Return one cookie's value from a `Cookie` field (RFC 6265 section 4.2), or None."""
    if header is None:
        return None
    for pair in header.split(";"):
        key, separator, value = pair.strip().partition("=")
        if separator and key == name:
            return value.strip('"')
    return None
