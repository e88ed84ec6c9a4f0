"""What is written to the client of a backend's answer: heads that are not as most are. Pure."""

from gateway.core.http import Fields
from gateway.policy.decision import Forward
from gateway.proxy import forwarding
from gateway.wire.answer import AnswerHead


def ours(forward: Forward, request_id: str) -> str:
    """Return the fields that every forwarded answer has of us."""
    return f"{forward.notices}X-Request-Id: {request_id}\r\n{forwarding.VIA}"


def nobodys(forward: Forward, version_header: str | None) -> Fields:
    """Return the fields of a refusal: nobody answered, so nobody is named as having answered."""
    return tuple((name, value) for name, value in forward.answer_headers if name != version_header)


def head_parts(
    head: AnswerHead, forward: Forward, owned: frozenset[str], status: int, fields: str, *, is_changed: bool
) -> list[bytes]:
    """Return the whole head of an answer; `fields` are ours, `is_changed`: its body is not the backend's own."""
    kept = forwarding.answer_lines(head, forward, owned)
    if is_changed:
        kept = forwarding.without_body_bound(kept)
    reason = head.reason if status == head.status else None
    return forwarding.answer_head(status, reason, kept, fields)


def switching(head: AnswerHead, forward: Forward, owned: frozenset[str], request_id: str) -> bytes:
    """Return the head of a 101 (RFC 9110 section 7.8)."""
    kept = forwarding.answer_lines(head, forward, owned)
    upgrade = f"Connection: Upgrade\r\nUpgrade: {head.lookup.get('upgrade', '')}\r\n\r\n"
    return b"".join(forwarding.answer_head(101, head.reason, kept, f"{ours(forward, request_id)}{upgrade}"))


def interim(head: AnswerHead) -> bytes:
    """Return a 1xx as it is passed on."""
    lines = [line.raw for line in forwarding.interim_lines(head)]
    return b"".join([forwarding.status_line(head.status, head.reason), *lines, b"\r\n"])
