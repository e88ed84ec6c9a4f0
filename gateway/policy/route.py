"""Which endpoint or plain route a request means."""

import math
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from gateway.config.deprecation import Deprecation
from gateway.config.snapshot import Endpoint, Route, Router
from gateway.config.template import plainest
from gateway.policy.phase import Stand

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


class Place:
    """Where a method and a path lead under one router: all that follows from nothing else.

    `path` is the successor's for an endpoint. `stand` is the migration's for everybody from `since` until before
    `until` (Unix seconds) by `calendar`, once it is known.
    """

    __slots__ = ("calendar", "path", "since", "stand", "target", "until")

    def __init__(self, target: Endpoint | Route, path: str) -> None:
        self.target = target
        self.path = target.rewrite.apply(path) if isinstance(target, Endpoint) else path
        self.stand: Stand | None = None
        self.calendar: Deprecation | None = None
        self.since = self.until = math.inf

    def __repr__(self) -> str:
        return f"<Place {self.target.label}>"


class Places:
    """Remembers where paths lead until the router changes. Holds at most PLACES of them, and none that is long."""

    def __init__(self) -> None:
        self._router: Router | None = None
        self._known: dict[tuple[str, str], Place] = {}

    def __repr__(self) -> str:
        return f"<Places {len(self._known)} of {PLACES}>"

    def find(self, router: Router, method: str, path: str) -> Place | Miss:
        """Return where a raw path leads; raises UnsafePathError."""
        if router is not self._router:
            self._router = router
            self._known.clear()
        return self._known.get((method, path)) or self._look(router, method, path)

    def _look(self, router: Router, method: str, path: str) -> Place | Miss:
        target = find(router, method, canonical(path))
        if isinstance(target, Miss):
            return target
        # Compared decoded, sent on as the client wrote it.
        place = Place(target, path)
        if len(path) <= MAX_PATH:
            if len(self._known) >= PLACES:
                self._known.clear()
            self._known[method, path] = place
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
