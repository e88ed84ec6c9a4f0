"""Cross-origin requests: preflights, and the fields that let a page read what it was answered (the Fetch standard).

CORS tells browsers what their pages may read; it keeps nobody out. Who may call is decided by the token alone.
"""

import re
from typing import Final

from gateway.config.cors import PREFLIGHT_VARY, CorsPolicy
from gateway.config.snapshot import Snapshot
from gateway.core.block import fields
from gateway.core.http import Fields, RequestHead
from gateway.policy import route
from gateway.policy.decision import Decision, Forward, Local, Refuse, Stream
from gateway.policy.trace import Trace

PREFLIGHT: Final = "preflight"
OWN_METHODS: Final = ("GET", "HEAD")
ASKED: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")
MAX_ASKED: Final = 2048
"""Characters of `Access-Control-Request-Headers` that are answered; a longer list allows none."""


def mark(decision: Decision, head: RequestHead, policy: CorsPolicy) -> Decision:
    """Add to a fresh decision's answer what its origin may know of it, refusals included."""
    block = policy.answer(head.lookup.get("origin"))
    if isinstance(decision, Forward | Stream):
        decision.notices += block
    elif isinstance(decision, Refuse):
        decision.headers += fields(block)
    return decision


def preflight(head: RequestHead, policy: CorsPolicy, snapshot: Snapshot, trace: Trace | None) -> Local | None:
    """Answer a preflight, before anybody looks for a token: a browser sends none with it. None when it is not one."""
    origin = head.lookup.get("origin")
    if head.method != "OPTIONS" or origin is None or "access-control-request-method" not in head.lookup:
        return None
    allowed = policy.preflight(origin)
    if trace is not None:
        trace.preflighted(head, origin, is_allowed=bool(allowed))
    if not allowed:
        return Local(PREFLIGHT, (PREFLIGHT_VARY,))
    asked = head.lookup.get("access-control-request-headers", "")
    answer = (*allowed, *_methods(head.path, snapshot), *_headers(asked), ("Access-Control-Max-Age", policy.max_age))
    return Local(PREFLIGHT, (*answer, PREFLIGHT_VARY))


def _methods(path: str, snapshot: Snapshot) -> Fields:
    """Name what the path really has. An unknown one has nothing, and the request itself will say so."""
    found = OWN_METHODS if path in snapshot.own_paths else route.methods(snapshot.router, path)
    return (("Access-Control-Allow-Methods", ", ".join(found)),) if found else ()


def _headers(asked: str) -> Fields:
    if len(asked) > MAX_ASKED or ASKED.fullmatch(asked) is None:
        return ()
    return (("Access-Control-Allow-Headers", asked.lower()),)
