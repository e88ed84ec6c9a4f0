"""What is written to the client of a backend's answer: heads that are not as most are. Pure."""

from gateway.core.http import Fields
from gateway.policy.decision import Forward
from gateway.proxy import forwarding
from gateway.wire.answer import AnswerHead


def nobodys(forward: Forward, version_header: str | None) -> Fields:
    """Return the fields of a refusal: nobody answered, so nobody is named as having answered."""
    return tuple((name, value) for name, value in forward.answer_headers if name != version_header)


def head_parts(
    head: AnswerHead,
    forward: Forward,
    owned: frozenset[str],
    status: int,
    request_id: str,
    rest: str,
    *,
    is_changed: bool = False,
) -> list[bytes]:
    """Return the whole head of an answer; `rest` is its end, `is_changed`: its body is not the backend's own."""
    kept, notices = forwarding.answer_fields(head, forward, owned)
    if is_changed:
        kept = forwarding.without_body_bound(kept)
    reason = head.reason if status == head.status else None
    ours = f"{notices}X-Request-Id: {request_id}\r\n{forwarding.VIA}{rest}"
    return forwarding.answer_head(status, reason, kept, ours)


def switching(head: AnswerHead, forward: Forward, owned: frozenset[str], request_id: str) -> bytes:
    """Return the head of a 101 (RFC 9110 section 7.8)."""
    upgrade = f"Connection: Upgrade\r\nUpgrade: {head.lookup.get('upgrade', '')}\r\n\r\n"
    return b"".join(head_parts(head, forward, owned, 101, request_id, upgrade))


def interim(head: AnswerHead) -> bytes:
    """Return a 1xx as it is passed on."""
    lines = [line.sent for line in forwarding.interim_lines(head)]
    return b"".join([forwarding.status_line(head.status, head.reason), *lines, b"\r\n"])
