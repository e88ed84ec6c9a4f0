"""One place where anything raised becomes an answer in the side's own shape.

Owns the mapping from exception to `FailureShape`; never decides a status. What breaks after the head of an answer was
sent is the business of the stream that sent it.
"""

import logging
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from backends.domain.errors import Fault, FaultKind
from backends.domain.store import StoreUnreachableError

logger = logging.getLogger(__name__)

STORE_REASON = "the store cannot be reached at the moment"


class FailureShape(Protocol):
    """How one side words a failure."""

    def fault(self, request: web.Request, fault: Fault) -> web.Response:
        """A fault of the domain, or of the input (then it is an `InputFault` with its problems)."""
        ...

    def http(self, request: web.Request, error: web.HTTPException) -> web.Response:
        """What the server found before any handler: unknown path, wrong method, too large a body."""
        ...

    def unexpected(self, request: web.Request) -> web.Response:
        """Anything else, and the failure that `/__faults` injects."""
        ...


def failures(shape: FailureShape) -> Middleware:
    """The middleware that answers for whatever the handlers raise."""

    @web.middleware
    async def answer_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Fault as fault:
            return shape.fault(request, fault)
        except web.HTTPException as error:
            return shape.http(request, error)
        except StoreUnreachableError as error:
            logger.warning("%s %s failed: %s", request.method, request.path, error)
            return shape.fault(request, Fault(FaultKind.UNAVAILABLE, STORE_REASON))
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            return shape.unexpected(request)

    return answer_failures
