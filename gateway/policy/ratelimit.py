"""The one place where quotas become header fields, because the draft still moves.

draft-ietf-httpapi-ratelimit-headers-11: `RateLimit-Policy` lists every quota that counted the request (`q` units in `w`
seconds), `RateLimit` tells the strictest one (`r` units are left, in `t` seconds all of them will be). What of it never
changes stands in the Quota; for a single quota in this process, `QuotaTable.grant` puts it together by itself.
"""

from collections.abc import Sequence

from gateway.core.block import Block
from gateway.policy.quota import Charge, Verdict


def block(charges: Sequence[Charge], verdict: Verdict) -> Block:
    """Return the fields of an answer that these charges counted, `Retry-After` on a refusal included."""
    speaker = verdict.quota
    if len(charges) == 1 and verdict.retry_after == 0 and not speaker.has_legacy_headers:
        return f"{speaker.opening}{verdict.remaining};t={verdict.reset}\r\n"
    if len(charges) == 1:
        policy, is_legacy = speaker.policy, speaker.has_legacy_headers
    else:
        policy = ", ".join([charge.quota.policy for charge in charges])
        is_legacy = any(charge.quota.has_legacy_headers for charge in charges)
    written = f'RateLimit-Policy: {policy}\r\nRateLimit: "{speaker.name}";r={verdict.remaining};t={verdict.reset}\r\n'
    if is_legacy:
        written += _legacy(verdict)
    return written if verdict.retry_after == 0 else f"{written}Retry-After: {verdict.retry_after}\r\n"


def _legacy(verdict: Verdict) -> Block:
    """What clients of before the drafts read; the reset in seconds from now, as most of those took it."""
    return (
        f"X-RateLimit-Limit: {verdict.quota.quota}\r\n"
        f"X-RateLimit-Remaining: {verdict.remaining}\r\n"
        f"X-RateLimit-Reset: {verdict.reset}\r\n"
    )
