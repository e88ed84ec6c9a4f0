"""Which endpoint or plain route a request means."""

import math
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from gateway.config.deprecation import Deprecation
from gateway.config.snapshot import AuthMode, Endpoint, Migration, Route, Router, Snapshot
from gateway.config.template import plainest
from gateway.config.translation import Adapter
from gateway.core.block import Block
from gateway.policy.phase import Phase, Stand

PLACES: Final = 8192
MAX_PATH: Final = 512
SLASHES = re.compile(r"/{2,}")
NO_METHOD = ""
EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""What a route without a method is said to take; it takes others, too."""


@dataclass(frozen=True, slots=True)
class Miss:
    """Nothing matches. `allow` holds the methods that would on this path; empty when the path itself is unknown."""

    allow: tuple[str, ...] = ()


class Way:
    """How a side is asked: all of it but the query. `notices` are what each of its answers says, while they stay."""

    __slots__ = ("adapter", "method", "notices", "path", "served_by", "upstream")

    def __init__(self, upstream: str, method: str, path: str, adapter: Adapter | None, served_by: Block) -> None:
        self.upstream = upstream
        self.method = method
        self.path = path
        self.adapter = adapter
        self.served_by = served_by
        self.notices = served_by

    def __repr__(self) -> str:
        return f"<Way to {self.upstream}: {self.method} {self.path}>"


class Place:
    """Where a method and a path lead, and all that follows from nothing but this and the rules of `snapshot`.

    `path` is the successor's for an endpoint, `method` and `asked` are the client's. `stand` is the migration's for
    everybody from `since` until before `until` (Unix seconds) by `calendar`, once it is known; without a calendar it is
    None for ever. A plain route has no `migration` and goes the way of `legacy`. `needs_token` and `takes_token` say
    whose `Authorization` is looked at. `is_special`: its requests need more than counting, a stand and a side.
    """

    __slots__ = (
        "asked",
        "calendar",
        "drop",
        "hops",
        "is_special",
        "legacy",
        "method",
        "migration",
        "needs_token",
        "path",
        "phase",
        "quotas",
        "require",
        "since",
        "snapshot",
        "stand",
        "successor",
        "takes_token",
        "target",
        "until",
    )

    def __init__(self, target: Endpoint | Route, method: str, path: str, snapshot: Snapshot) -> None:
        self.target = target
        self.method = method
        self.asked = path
        self.path = target.rewrite.apply(path) if isinstance(target, Endpoint) else path
        self.quotas = target.quotas
        self.require = target.require
        self.needs_token = target.auth is AuthMode.REQUIRED
        self.takes_token = target.auth is not AuthMode.NONE
        self.calendar: Deprecation | None = None
        self.stand: Stand | None = None
        self.phase: Phase | None = None
        self.since = self.until = math.inf
        self.follow(snapshot)

    def __repr__(self) -> str:
        return f"<Place {self.target.label}>"

    def follow(self, snapshot: Snapshot) -> None:
        """Work out what follows from these rules, whose router leads here; a stand by the same calendar stays."""
        target, method = self.target, self.method
        self.snapshot = snapshot
        self.hops = snapshot.server.trusted_hops
        self.drop = snapshot.auth.dropped
        if isinstance(target, Route):
            self.migration: Migration | None = None
            served_by = snapshot.served_by[target.upstream]
            self.legacy = self.successor = Way(target.upstream, method, self.asked, None, served_by)
            calendar = None
        else:
            self.migration = migration = snapshot.migrations[target.owner]
            theirs = target.successor_method if method != "HEAD" else "HEAD"
            old, new = migration.legacy, migration.successor
            self.legacy = Way(old, method, self.asked, None, snapshot.served_by[old])
            self.successor = Way(new, theirs, self.path, target.adapter, snapshot.served_by[new])
            calendar = migration.calendar(target)
        is_rehearsed = calendar is not None and calendar.rehearsal
        self.is_special = is_rehearsed or bool(target.shadows) or target.stream is not None
        if self.stand is not None and calendar is self.calendar:
            self.stay(self.stand, self.since, self.until)
        else:
            self.stand = self.phase = None
            self.since, self.until = -math.inf if calendar is None else math.inf, math.inf
        self.calendar = calendar

    def stay(self, stand: Stand, since: float, until: float) -> None:
        """Remember how it stands for everybody from `since` until before `until`."""
        self.stand, self.since, self.until = stand, since, until
        self.phase = stand.phase
        self.legacy.notices = f"{stand.notices}{self.legacy.served_by}"
        self.successor.notices = f"{stand.notices}{self.successor.served_by}"


class Places:
    """Remembers where paths lead until the router changes. Holds at most PLACES of them, and none that is long.

    What is in `known` by method and path is good for the snapshot that it follows, and for no other.
    """

    def __init__(self) -> None:
        self._router: Router | None = None
        self.known: dict[tuple[str, str], Place] = {}

    def __repr__(self) -> str:
        return f"<Places {len(self.known)} of {PLACES}>"

    def find(self, snapshot: Snapshot, method: str, path: str) -> Place | Miss:
        """Return where a raw path leads by these rules; raises UnsafePathError."""
        router = snapshot.router
        if router is not self._router:
            self._router = router
            self.known.clear()
        found = self.known.get((method, path))
        if found is None:
            return self._look(snapshot, method, path)
        if found.snapshot is not snapshot:
            found.follow(snapshot)
        return found

    def _look(self, snapshot: Snapshot, method: str, path: str) -> Place | Miss:
        target = find(snapshot.router, method, canonical(path))
        if isinstance(target, Miss):
            return target
        # Compared decoded, sent on as the client wrote it.
        place = Place(target, method, path, snapshot)
        if len(path) <= MAX_PATH:
            if len(self.known) >= PLACES:
                self.known.clear()
            self.known[method, path] = place
        return place


class UnsafePathError(ValueError):
    """A path that a backend could resolve to another one than was matched; the message says why."""


def canonical(path: str) -> str:
    """Return the path as it is compared: unreserved characters decoded, other escapes in upper case, the rest raw.

    Raises UnsafePathError for dot segments (encoded ones too), backslashes and NUL, because whoever resolves them after
    the match would serve another path than the one whose policy was applied (RFC 3986 section 5.2.4).
    """
    if "%" not in path and "/." not in path and "\\" not in path:
        return path
    if "%" in path:
        path = plainest(path)
        _refuse_dot_segments(path.replace("%2F", "/"))
    _refuse_dot_segments(path)
    if "\\" in path or "%5C" in path or "%00" in path:
        raise UnsafePathError("the path has a backslash or a NUL")
    return path


def _refuse_dot_segments(path: str) -> None:
    if "/." in path and any(segment in {".", ".."} for segment in path.split("/")):
        raise UnsafePathError("the path has dot segments; send the resolved path")


def find(router: Router, method: str, path: str) -> Endpoint | Route | Miss:
    """Match a canonical path, and refuse one that a backend would read as another target's.

    Many backends decode every escape (`%2F` too) or merge slashes before they route; the policy applied would then not
    be that of the target they serve. Raises UnsafePathError.
    """
    found = match(router, method, path)
    if ("%" in path or "//" in path) and not isinstance(found, Miss):
        other = match(router, method, SLASHES.sub("/", unquote(path)))
        if other is not found and not isinstance(other, Miss):
            raise UnsafePathError(f"decoded, the path is that of {other.label}; send it so")
    return found


def methods(router: Router, path: str) -> tuple[str, ...]:
    """Return the methods that a raw path takes; none when it leads nowhere or is refused."""
    try:
        found = find(router, NO_METHOD, canonical(path))
    except UnsafePathError:
        return ()
    return found.allow if isinstance(found, Miss) else EVERY_METHOD


def match(router: Router, method: str, path: str) -> Endpoint | Route | Miss:
    """Match a canonical path: migrations' endpoints first, then routes in file order. HEAD is served where GET is."""
    node = router.root
    for segment in path.split("/"):
        following = node.literals.get(segment, node.other)
        if following is None:
            return Miss()
        node = following
    target = node.targets.get(method, node.otherwise)
    return target if target is not None else Miss(node.allow)
