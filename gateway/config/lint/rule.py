"""The rules that a file may allow by name: what they look for, and why it matters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.config.findings import Fault, KeyPath, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One check with a name. `when` and `why` are for the documentation."""

    name: str
    severity: Severity
    when: str
    why: str

    def broken(self, path: KeyPath, message: str) -> Fault:
        """Return what is said where the rule is broken."""
        return Fault(path, message, self.severity, rule=self.name)


PAST_DATE: Final = Rule(
    "past-date",
    "warning",
    "`gone` or `removed` has passed",
    "legacy calls get 410 or 404 as soon as this file is applied",
)
SUNSET_FIRST: Final = Rule(
    "sunset-before-deprecation",
    "error",
    "`gone` lies before `deprecated`",
    "`Sunset` must not be earlier than `Deprecation` (RFC 9745 section 4): nobody would be warned",
)
BROWNOUT_OUTSIDE: Final = Rule(
    "brownout-outside",
    "error",
    "a brownout begins before `deprecated` or ends after `gone`",
    "outside of the deprecated phase it does nothing",
)
GONE_BELOW_FULL: Final = Rule(
    "gone-below-100",
    "warning",
    "`gone` has come, or comes within 14 days, while `percent` is under 100",
    "callers lose the legacy side although the successor has never served all of them",
)
REMOVED_FIRST: Final = Rule(
    "removed-before-extension",
    "warning",
    "an extension lasts beyond `removed`",
    "`removed` ends extensions too: the consumer was promised more time",
)
SHORT_NOTICE: Final = Rule(
    "short-notice",
    "warning",
    "`gone` comes less than 30 days after `announced`",
    "clients need time to find the announcement and to release",
)
NO_GUIDE: Final = Rule("no-guide", "warning", "`gone` is set without `docs`", "clients get no link to a guide")
LEGACY_RETIRED: Final = Rule(
    "legacy-retired",
    "note",
    "`legacy` names an upstream that is not configured, and all of the migration is removed",
    "that is the clean end: it answers 404 with the successor, and asks nobody",
)
UPSTREAM_RETIRED: Final = Rule(
    "upstream-retired",
    "note",
    "an upstream is only the legacy side of migrations that are removed",
    "it gets nothing any more, not even health checks: it may be deleted from the file",
)

RULES: Final[Mapping[str, Rule]] = {
    rule.name: rule
    for rule in (
        PAST_DATE,
        SUNSET_FIRST,
        BROWNOUT_OUTSIDE,
        GONE_BELOW_FULL,
        REMOVED_FIRST,
        SHORT_NOTICE,
        NO_GUIDE,
        LEGACY_RETIRED,
        UPSTREAM_RETIRED,
    )
}
