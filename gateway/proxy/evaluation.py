"""What a legacy answer and the successor's answer to a copy come to. Pure: large ones are evaluated beside the loop."""

import zlib
from typing import Final

from gateway.config.shadow import ShadowRule
from gateway.config.translation import Adapter
from gateway.observability.shadow import Difference
from gateway.policy.adapt import AdaptError, adapt_answer, adapt_status
from gateway.policy.comparing import compare
from gateway.proxy.copy import MAX_BYTES, Whole

FAILED: Final = 500
WBITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""What zlib needs to know of a content coding (RFC 9110 section 8.4.1)."""

MATCH: Final = "match"
MISMATCH: Final = "mismatch"
ERROR: Final = "error"
DROPPED: Final = "dropped"

type Verdict = tuple[str, tuple[Difference, ...]]
"""The result, as `crossfade_shadow_total` has it, and what differs where that is `mismatch`."""


def evaluate(legacy: Whole, successor: Whole, adapter: Adapter | None, rule: ShadowRule) -> Verdict:
    """Compare two whole answers, the successor's translated as for a client."""
    status = successor.head.status
    if status >= FAILED:
        return ERROR, ()
    bodies = _plain(legacy), _plain(successor)
    if bodies[0] is None or bodies[1] is None:
        return DROPPED, ()
    try:
        body = adapt_answer(adapter, status, bodies[1]) if adapter is not None else bodies[1]
    except AdaptError:
        return ERROR, ()
    found = compare(
        (legacy.head.status, bodies[0]),
        (adapt_status(adapter, status), body),
        rule.ignore,
        is_redacted=rule.is_redacted,
    )
    return (MISMATCH, found) if found else (MATCH, ())


def _plain(answer: Whole) -> bytes | None:
    """Return the body without its content coding; None where that is unknown, broken or hides too much."""
    coding = answer.head.lookup.get("content-encoding", "identity").lower()
    if coding == "identity" or not answer.body:
        return answer.body
    if coding not in WBITS:
        return None
    try:
        inflater = zlib.decompressobj(WBITS[coding])
        plain = inflater.decompress(answer.body, MAX_BYTES)
    except zlib.error:
        return None
    return plain if inflater.eof else None
