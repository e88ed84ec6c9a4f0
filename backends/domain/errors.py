"""The one error vocabulary of the domain; the shells turn a fault into a status, a code and their own envelope."""

from enum import StrEnum


class FaultKind(StrEnum):
    """What went wrong, as far as a caller may know."""

    INVALID = "invalid"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"


class Fault(Exception):  # noqa: N818 - a refusal is an answer, not an accident
    """A refusal the caller can understand; its reason is a sentence without a field's name, as both sides show it."""

    def __init__(self, kind: FaultKind, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.field = field

    def __repr__(self) -> str:
        return f"<Fault {self.kind}: {self.reason}>"
