"""Counts who calls what, between two reports: the source of the consumer ledger."""

from collections import deque
from collections.abc import Collection, Iterator
from itertools import islice
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
FAILED: Final = "\0"
"""Begins the name under which an assignment counts the failures at an endpoint; no label begins like this."""

FLOOR: Final = 256
"""Rows of each kind that a report takes at least, so that where few call, each says all: half a millisecond's work."""
TURNS: Final = 32
"""Otherwise a report takes one part in so many. Counts add up meanwhile, so rows are fewer, and each says more."""

type Row = tuple[str, str, str, str, str]
"""Migration, endpoint, side, consumer and profile."""


class Tally:
    """Owns the counts of callers that no report has had yet.

    A caller whose assignment is remembered with its token is counted there: that is at hand on each request, where a
    table of all callers is not. A caller that has no identity but its address leaves as a keyed hash of its network.
    Between two reports about `most` callers of each kind find room; further ones are counted as OTHERS.
    """

    def __init__(self, snapshot: Snapshot, most: int, secret: bytes) -> None:
        self.most = most
        self._secret = secret
        self._snapshot: Snapshot | None = None
        self._seen: deque[tuple[str, str, Caller, Assignment]] = deque()
        self._rows: dict[Row, list[int]] = {}
        self._room = most, most
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
        if assignment.uses is None or len(self._seen) >= self._room[0]:
            self._add((target.owner, target.label, side, self._name(caller), assignment.profile), 1, 0)
        else:
            assignment.uses[target.label] = 1
            self._seen.append((target.owner, side, caller, assignment))

    def fail(self, decision: Forward) -> None:
        """Note that the backend has failed a request, which is counted besides."""
        assignment, target = decision.assignment, decision.target
        if assignment is None:
            return
        if assignment.uses:
            name = FAILED + target.label
            assignment.uses[name] = assignment.uses.get(name, 0) + 1
        else:
            side = SIDES[assignment.side is Side.SUCCESSOR]
            self._add((target.owner, target.label, side, self._name(decision.caller), assignment.profile or ""), 0, 1)

    def refuse(self, decision: Refuse) -> None:
        """Count a request that was refused because of the phase."""
        target, caller = decision.target, decision.caller
        if target is not None and caller is not None:
            self._add((target.owner, target.label, "", self._name(caller), ""), 1, 0)

    def take(self, *, is_last: bool = False) -> tuple[Use, ...]:
        """Return counts, of those callers who wait longest, and forget them; all of them where it is the last time.

        Where few wait all are taken. Of many only some are, which keeps the work short; of what is above half of `most`
        all is, so that what is left leaves room. A row may come twice, as one caller may have two tokens.
        """
        found = [*self._of_seen(is_last=is_last), *self._of_rows(is_last=is_last)]
        # What is left shall not take the room of who comes until the next time.
        self._room = len(self._seen) + self.most, len(self._rows) + self.most
        return tuple(found)

    def _of_seen(self, *, is_last: bool) -> list[Use]:
        seen, found = self._seen, list[Use]()
        left = len(seen) - self._share(seen)
        while seen and (is_last or len(found) < FLOOR or len(seen) > left):
            owner, side, caller, assignment = seen.popleft()
            name, known, uses = self._name(caller), assignment.profile or "", assignment.uses or {}
            assignment.uses = {}
            for label, requests in uses.items():
                if label[:1] != FAILED:
                    found.append(Use(owner, label, side, name, known, requests, uses.get(FAILED + label, 0)))
        return found

    def _of_rows(self, *, is_last: bool) -> Iterator[Use]:
        rows = self._rows
        count = len(rows) if is_last else max(FLOOR, self._share(rows))
        for row in list(islice(rows, count)):
            requests, failures = rows.pop(row)
            yield Use(*row, requests, failures)

    def _share(self, waiting: Collection[object]) -> int:
        return max(len(waiting) // TURNS, len(waiting) - self.most // 2)

    def _add(self, row: Row, requests: int, failures: int) -> None:
        """Count for a row; where there is no room for another, for the others."""
        counts = self._rows.get(row)
        if counts is None:
            if len(self._rows) >= self._room[1]:
                row = (*row[:3], OTHERS, "")
            counts = self._rows.setdefault(row, [0, 0])
        counts[0] += requests
        counts[1] += failures

    def _name(self, caller: Caller) -> str:
        if caller.consumer is None or caller.key.startswith("ip="):
            return network(caller.ip, self._secret)
        return keepable(caller.consumer)
