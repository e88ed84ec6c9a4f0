"""What follows when something goes wrong: another try, or what the client is told, in the one mapping of all faults."""

from typing import assert_never

from gateway.core.errors import Problem, ProblemType
from gateway.core.http import SAFE_METHODS
from gateway.downstream.fault import RequestError, RequestFault
from gateway.upstream.connection import Connection
from gateway.upstream.fault import UpstreamError, UpstreamFault


def problem(error: RequestError | UpstreamError) -> Problem:
    """Return the problem for an error that came up before the answer's head was sent."""
    match error:
        case RequestError():
            return _request_problem(error)
        case UpstreamError():
            return _upstream_problem(error)
        case _:
            assert_never(error)


def _request_problem(error: RequestError) -> Problem:
    match error.fault:
        case RequestFault.MALFORMED:
            return Problem(ProblemType.MALFORMED_REQUEST, error.detail)
        case RequestFault.LINE_TOO_LONG:
            return Problem(ProblemType.REQUEST_TOO_LARGE, error.detail, status=414)
        case RequestFault.HEADERS_TOO_LARGE:
            return Problem(ProblemType.REQUEST_TOO_LARGE, error.detail, status=431)
        case RequestFault.BODY_TOO_LARGE:
            return Problem(ProblemType.REQUEST_TOO_LARGE, error.detail, status=413)
        case RequestFault.TOO_SLOW:
            return Problem(ProblemType.MALFORMED_REQUEST, error.detail, status=408)
        case RequestFault.TOO_MANY:
            return Problem(ProblemType.OVERLOADED, error.detail)
        case _:
            assert_never(error.fault)


def _upstream_problem(error: UpstreamError) -> Problem:
    match error.fault:
        case UpstreamFault.UNREACHABLE | UpstreamFault.LOST:
            return Problem(ProblemType.UPSTREAM_UNAVAILABLE, error.detail)
        case UpstreamFault.TIMEOUT:
            return Problem(ProblemType.UPSTREAM_TIMEOUT, error.detail)
        case UpstreamFault.INVALID:
            return Problem(ProblemType.UPSTREAM_INVALID, error.detail)
        case UpstreamFault.OVERLOADED:
            return Problem(ProblemType.OVERLOADED, error.detail)
        case _:
            assert_never(error.fault)


def is_backends(error: RequestError | UpstreamError) -> bool:
    """Return whether a backend is to blame, and neither the client nor we."""
    return isinstance(error, UpstreamError) and not error.is_ours


def complaint(fault: UpstreamFault) -> str:
    """Return what a backend did in place of answering, in a few words for the access log."""
    match fault:
        case UpstreamFault.UNREACHABLE:
            return "could not be reached"
        case UpstreamFault.LOST:
            return "closed the connection"
        case UpstreamFault.TIMEOUT:
            return "did not answer in time"
        case UpstreamFault.INVALID:
            return "sent an answer that cannot be used"
        case UpstreamFault.OVERLOADED:
            return "had no connection free"
        case _:
            assert_never(fault)


def is_repeatable(error: UpstreamError, connection: Connection | None, method: str) -> bool:
    """Only when a kept-alive connection turned out to be closed, and the method changes nothing (RFC 9110 9.2.1).

    PUT and DELETE may be repeated by the RFC, but nobody who operates an API wants to see them twice.
    """
    was_used = connection is not None and not connection.is_fresh
    return error.fault is UpstreamFault.LOST and was_used and method in SAFE_METHODS
