"""What a proxy did with one case, judged: decisions only, no I/O.

PASS is the preferred outcome; SOFT is allowed by RFC 9112 but not the strictest; FAIL is outside the allowed outcomes,
with nothing unsafe seen; UNSAFE is a split, dirty bytes upstream, a changed body, or somebody else's answer.
"""

import re
from dataclasses import dataclass, field

from tests.conformance.corpus.case import Case, Probe
from tests.conformance.corpus.client import Answer, Talk, parse_answers
from tests.conformance.corpus.strict import MILD, Request


@dataclass
class Seen:
    """Everything observed while one case was played."""

    talk: Talk
    upstream: list[Request]
    poison: list[str]
    residue: list[tuple[int, bytes]]


@dataclass
class Verdict:
    """The judgement of one case."""

    case: Case
    verdict: str
    outcome: str
    statuses: list[int]
    is_closed: bool
    upstream: list[Request]
    unsafe: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.verdict:6} {self.case.name[:58]:58} {self.outcome:10} {self.statuses} up={len(self.upstream)} "
            f"closed={self.is_closed} want={self.case.best}/{self.case.allow} {self.unsafe or ''} {self.notes or ''}"
        )


def judge(case: Case, seen: Seen) -> Verdict:
    """Return the verdict."""
    answers = parse_answers(seen.talk.data, case.methods)
    final = [answer for answer in answers if answer.is_final]
    is_closed = seen.talk.is_closed or _announces_close(final)
    result = Verdict(case, "", "", [answer.status for answer in final], is_closed, seen.upstream)
    is_mild = _note_lint(result)
    _note_upstream(result, seen)
    result.outcome = (
        _response_outcome(result, final, seen) if case.script is not None else _request_outcome(result, final)
    )
    if result.outcome == "reject" and not is_closed and case.closes_on_reject:
        result.notes.append("kept-alive after reject")
    best, allow = case.best, case.allow
    if case.probe is not None:
        best, allow = _probe(case.probe, result.outcome, answers, is_closed)
    result.verdict = _verdict(result, best, allow, is_mild=is_mild)
    return result


def _announces_close(final: list[Answer]) -> bool:
    """Whether the last answer says so: some proxies delay the end itself by a second."""
    return bool(final) and any(b"close" in value.lower() for value in final[-1].headers.get(b"connection", []))


def _note_lint(result: Verdict) -> bool:
    """Note what was wrong in forwarded bytes, and return whether something mild was."""
    lint = sorted({finding for request in result.upstream for finding in request.lint})
    mild = [finding for finding in lint if finding in MILD]
    grave = [finding for finding in lint if finding not in MILD]
    if mild:
        result.notes.append("forwarded-with:" + ",".join(mild))
    if grave:
        result.unsafe.append("forwarded-with:" + ",".join(grave))
    return bool(mild)


def _note_upstream(result: Verdict, seen: Seen) -> None:
    case, count = result.case, len(result.upstream)
    if case.script is not None and count > case.wanted:
        result.notes.append(f"{count} upstream tries")  # the retry of an idempotent GET is legal
    elif count > case.wanted:
        result.unsafe.append(f"split:{count}>{case.wanted}")
    for text in case.forbid:
        for request in result.upstream:
            if text in request.target or (case.script is not None and text in seen.talk.data):
                result.unsafe.append("forbidden:" + text.decode("latin1"))
    if seen.poison:
        result.unsafe.append("poison:" + "; ".join(seen.poison))
    if seen.residue and not case.is_residue_fine:
        result.notes.append(f"residue:{seen.residue[0][1][:50]!r}")


def _request_outcome(result: Verdict, final: list[Answer]) -> str:
    case, count = result.case, len(result.upstream)
    if not count:
        return _refusal(final, is_closed=result.is_closed)
    if count < case.wanted:
        return f"forward{count}"
    if count > case.wanted:
        return "split"
    outcome = "mismatch" if _note_bodies(result) else "forward"
    if outcome == "forward" and case.closes_on_forward and result.is_closed:
        outcome = "forward-closed"
    bad = [name for name in case.absent if any(request.values(name) for request in result.upstream)]
    bad += [
        name
        for name, value in case.absent_values
        if any(value in found for request in result.upstream for found in request.values(name))
    ]
    if bad:
        result.notes.append(f"must not be forwarded: {bad}")
        return "forward-bad"
    return outcome


def _refusal(final: list[Answer], *, is_closed: bool) -> str:
    if not final:
        return "close" if is_closed else "wait"
    if final[0].status >= 400:
        return "reject"
    return "answered" if final[0].status else "garbage"


def _note_bodies(result: Verdict) -> bool:
    if result.case.bodies is None:
        return False
    is_wrong = False
    for request, body in zip(result.upstream, result.case.bodies, strict=False):
        if body is not None and request.body != body:
            result.notes.append(f"body {request.body[:40]!r}")
            is_wrong = True
    return is_wrong


def _response_outcome(result: Verdict, final: list[Answer], seen: Seen) -> str:
    case = result.case
    first = final[0] if final else None
    outcome = _passed_on(case, first, is_closed=result.is_closed)
    if first is not None and outcome == "pass":
        if case.is_truncated:
            result.unsafe.append("truncated body passed on as complete")
        if case.body is not None and first.body != case.body and case.methods[0] != b"HEAD":
            result.unsafe.append(f"client body {first.body[:60]!r}")
    if len(final) > case.wanted:
        result.unsafe.append(f"client got {len(final)} responses")
    head = seen.talk.data.split(b"\r\n\r\n")[0]
    if first is not None and first.status and re.search(rb"[\x00]|\r(?!\n)|(?<!\r)\n", head):
        result.unsafe.append("control bytes in the response head")
    headers = first.headers if first is not None else {}
    has_length = b"content-length" in headers
    if len(headers.get(b"content-length", [])) > 1 or (has_length and b"transfer-encoding" in headers):
        result.unsafe.append("ambiguous framing to the client")
    return outcome


def _passed_on(case: Case, first: Answer | None, *, is_closed: bool) -> str:
    if first is None:
        return "aborted" if is_closed else "wait"
    if first.status == 0:
        return "garbage"
    if first.status >= 500:
        return "bad-gateway"
    is_framed = b"content-length" in first.headers or b"transfer-encoding" in first.headers
    is_bodiless = first.status in {101, 204, 304} or case.methods[0] == b"HEAD"
    if not first.is_complete or (not is_framed and not is_bodiless and case.is_truncated):
        return "aborted" if is_closed else "wait"
    return "pass"


def _probe(probe: Probe, outcome: str, answers: list[Answer], is_closed: bool) -> tuple[list[str], list[str]]:
    if not answers or not answers[0].status:
        is_fine = (probe.close and (is_closed or not probe.custom)) or (probe.timeout and not is_closed)
        return ([outcome], [outcome]) if is_fine else (probe.passes, probe.warns)
    status = answers[0].status
    if _has_status(probe.passes, status):
        return [outcome], [outcome]
    if _has_status(probe.warns, status):
        return [], [outcome]
    return probe.passes, probe.warns


def _has_status(patterns: list[str], status: int) -> bool:
    for pattern in patterns:
        if pattern[1:] == "xx" and str(status)[0] == pattern[0]:
            return True
        if len(pattern) == 7 and int(pattern[:3]) <= status <= int(pattern[4:]):
            return True
        if pattern == str(status):
            return True
    return False


def _verdict(result: Verdict, best: list[str], allow: list[str], *, is_mild: bool) -> str:
    tolerate = result.case.tolerate
    is_tolerated = bool(tolerate) and all(any(text.startswith(t) for t in tolerate) for text in result.unsafe)
    if result.unsafe and not is_tolerated:
        return "UNSAFE"
    if result.outcome in best:
        return "SOFT" if is_mild or "kept-alive after reject" in result.notes else "PASS"
    if result.outcome in allow:
        return "SOFT"
    return "UNSAFE" if result.outcome == "mismatch" else "FAIL"
