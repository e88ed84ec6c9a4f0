"""Who answers when the successor has failed a request."""

from dataclasses import replace

from gateway.config.fallback import FallbackRule
from gateway.config.snapshot import Endpoint, Side
from gateway.core.http import RequestHead
from gateway.policy.decision import Forward


def rule(forward: Forward) -> FallbackRule | None:
    """Return how a failure of this request is made good; None where it must be told.

    Rules are for safe methods only (RFC 9110 section 9.2.1): whatever the successor did before it failed, asking legacy
    does nothing twice. A phase that forbids legacy has refused the request already.
    """
    if forward.side is not Side.SUCCESSOR or not isinstance(forward.target, Endpoint):
        return None
    return forward.target.fallback


def to_legacy(forward: Forward, found: FallbackRule, head: RequestHead) -> Forward:
    """Return the same request as legacy gets it: as the client sent it, and with what legacy's answers say."""
    successors, legacys = found.named
    return replace(
        forward,
        upstream=found.legacy,
        method=head.method,
        path=head.path,
        query=head.query,
        notices=forward.notices.replace(successors, legacys, 1),
        side=Side.LEGACY,
        adapter=None,
    )
