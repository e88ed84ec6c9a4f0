"""The one vocabulary of refusals: every answer the gateway makes itself is one of these problems (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

MEDIA_TYPE = "application/problem+json"


class ProblemType(StrEnum):
    """The last part of a problem's `type`, `urn:crossfade:problem:…`."""

    MALFORMED_REQUEST = "malformed-request"
    REQUEST_TOO_LARGE = "request-too-large"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    QUOTA_EXCEEDED = "quota-exceeded"
    BROWNOUT = "brownout"
    API_VERSION_GONE = "api-version-gone"
    API_VERSION_REMOVED = "api-version-removed"
    UPSTREAM_UNAVAILABLE = "upstream-unavailable"
    UPSTREAM_TIMEOUT = "upstream-timeout"
    UPSTREAM_INVALID = "upstream-invalid"
    OVERLOADED = "overloaded"
    SHUTTING_DOWN = "shutting-down"


TITLES: Mapping[ProblemType, tuple[int, str]] = {
    ProblemType.MALFORMED_REQUEST: (400, "The request is malformed"),
    ProblemType.REQUEST_TOO_LARGE: (413, "The request is too large"),
    ProblemType.NOT_FOUND: (404, "There is nothing here"),
    ProblemType.METHOD_NOT_ALLOWED: (405, "This method is not allowed here"),
    ProblemType.UNAUTHENTICATED: (401, "A valid token is needed"),
    ProblemType.FORBIDDEN: (403, "This is not allowed"),
    ProblemType.QUOTA_EXCEEDED: (429, "The quota is used up"),
    ProblemType.BROWNOUT: (410, "This endpoint is switched off for a rehearsal of its end"),
    ProblemType.API_VERSION_GONE: (410, "This version of the API is gone"),
    ProblemType.API_VERSION_REMOVED: (404, "This version of the API has been removed"),
    ProblemType.UPSTREAM_UNAVAILABLE: (502, "The backend cannot be reached"),
    ProblemType.UPSTREAM_TIMEOUT: (504, "The backend took too long"),
    ProblemType.UPSTREAM_INVALID: (502, "The backend's answer was not valid HTTP"),
    ProblemType.OVERLOADED: (503, "The gateway is overloaded"),
    ProblemType.SHUTTING_DOWN: (503, "The gateway is shutting down"),
}
"""Default status and title of each type; a Problem may carry a more precise status (408, 414, 431, 413)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal: its type, a sentence for the caller, and the members that its type adds."""

    type: ProblemType
    detail: str
    status: int = 0
    members: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """The HTTP status."""
        return self.status or TITLES[self.type][0]

    def render(self, *, instance: str, request_id: str) -> bytes:
        """Return the `application/problem+json` body."""
        document = {
            "type": f"urn:crossfade:problem:{self.type.value}",
            "title": TITLES[self.type][1],
            "status": self.code,
            "detail": self.detail,
            "instance": instance,
            "request_id": request_id,
            **self.members,
        }
        return orjson.dumps(document)
