"""Counts who calls what, between two reports: the source of the consumer ledger."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from gateway.config.snapshot import Side, Snapshot
from gateway.core.http import RequestHead
from gateway.observability.use import OTHERS, Use
from gateway.policy.cohort import Assignment
from gateway.policy.decision import Caller, Forward, Refuse
from gateway.policy.identity import keepable
from gateway.policy.profile import network, profile, profiled

SIDES: Final = (Side.LEGACY.value, Side.SUCCESSOR.value)
"""Plain texts: an enumeration's hash is many times dearer."""

type Row = tuple[str, str, str, str, str]
"""Migration, endpoint, side, consumer and profile."""


class Tally:
    """Owns the counts since the last report, of at most about `most` callers; further ones are counted as OTHERS.

    A caller whose assignment is remembered with its token is counted there: that is at hand on each request, where a
    table of all callers is not. A caller that has no identity but its address leaves as a keyed hash of its network.
    """

    def __init__(self, snapshot: Snapshot, most: int, secret: bytes) -> None:
        self.most = most
        self._secret = secret
        self._snapshot: Snapshot | None = None
        self._seen: list[tuple[str, str, Caller, Assignment]] = []
        self._rows: Counter[Row] = Counter()
        self._failures: Counter[Row] = Counter()
        self.apply(snapshot)

    def __repr__(self) -> str:
        return f"<Tally of {len(self._seen) + len(self._rows)} callers>"

    def apply(self, snapshot: Snapshot) -> None:
        """Go by other rules: others may be the identities that decide, which live values never change."""
        if self._snapshot is None or snapshot.intended is not self._snapshot.intended:
            self._profiled = profiled(snapshot)
        self._snapshot = snapshot

    def begin(self, head: RequestHead | None, decision: Forward) -> None:
        """Count the first request of an assignment, or one whose assignment nobody remembers."""
        assignment, target, caller = decision.assignment, decision.target, decision.caller
        if assignment is None or head is None:
            return
        # Its own side: who fell back this time did not move.
        side = SIDES[assignment.side is Side.SUCCESSOR]
        if assignment.profile is None:
            assignment.profile = profile(self._profiled.get(target.owner, ()), head, caller, assignment)
        if assignment.uses is None or len(self._seen) >= self.most:
            self._add((target.owner, target.label, side, self._name(caller), assignment.profile), self._rows)
        else:
            assignment.uses[target.label] = 1
            self._seen.append((target.owner, side, caller, assignment))

    def fail(self, decision: Forward) -> None:
        """Note that the backend has failed a request, which is counted besides."""
        assignment, target = decision.assignment, decision.target
        if assignment is not None:
            side, name = SIDES[assignment.side is Side.SUCCESSOR], self._name(decision.caller)
            self._add((target.owner, target.label, side, name, assignment.profile or ""), self._failures)

    def refuse(self, decision: Refuse) -> None:
        """Count a request that was refused because of the phase."""
        target, caller = decision.target, decision.caller
        if target is not None and caller is not None:
            self._add((target.owner, target.label, "", self._name(caller), ""), self._rows)

    def take(self) -> tuple[Use, ...]:
        """Return the counts and begin anew."""
        requests, failures = self._rows, self._failures
        for row, count in self._counted():
            requests[row] += count
        self._seen, self._rows, self._failures = [], Counter(), Counter()
        rows = requests.keys() | failures.keys()
        return tuple(Use(*row, requests=requests[row], failures=failures[row]) for row in rows)

    def _counted(self) -> Iterator[tuple[Row, int]]:
        for owner, side, caller, assignment in self._seen:
            name, known = self._name(caller), assignment.profile or ""
            for label, count in (assignment.uses or {}).items():
                yield (owner, label, side, name, known), count
            assignment.uses = {}

    def _add(self, row: Row, rows: Counter[Row]) -> None:
        """Count for a row; where there is no room for another, for the others."""
        if row not in rows and len(rows) >= self.most:
            row = (*row[:3], OTHERS, "")
        rows[row] += 1

    def _name(self, caller: Caller) -> str:
        if caller.consumer is None or caller.key.startswith("ip="):
            return network(caller.ip, self._secret)
        return keepable(caller.consumer)
