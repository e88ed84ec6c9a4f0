"""Which requests are copied to the successor, and what the copy asks for."""

from dataclasses import replace
from typing import Final

from gateway.config.shadow import ShadowRule
from gateway.config.snapshot import Endpoint, Side
from gateway.core.block import render
from gateway.core.http import RequestHead
from gateway.policy.adapt import adapt_query
from gateway.policy.decision import Forward

MARK: Final = render((("Crossfade-Shadow", "1"),))
"""Tells the successor that nobody waits for the answer. A client's own is dropped."""


def rule(forward: Forward) -> ShadowRule | None:
    """Return how legacy's answer to this request is compared; None where it is not.

    Rules are for endpoints that are GET on both sides: a copy never changes anything.
    """
    if forward.side is not Side.LEGACY or not isinstance(forward.target, Endpoint):
        return None
    return forward.target.shadow


def to_successor(forward: Forward, found: ShadowRule, head: RequestHead) -> Forward:
    """Return what the successor would have been asked for a request that legacy has answered."""
    target = forward.target
    if not isinstance(target, Endpoint):
        return forward
    adapter = target.adapter
    return replace(
        forward,
        upstream=found.successor,
        path=target.rewrite.apply(head.path),
        query=adapt_query(adapter, head.query) if adapter is not None else head.query,
        identity=f"{forward.identity}{MARK}",
        side=Side.SUCCESSOR,
        adapter=adapter,
    )
