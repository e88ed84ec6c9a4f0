"""Plays single cases: `python -m tests.conformance.play [-v] [REGEX]`."""

import argparse
import asyncio
import collections
import sys
import tempfile
from pathlib import Path

from tests.conformance.corpus.case import Case, load
from tests.conformance.corpus.judge import Verdict
from tests.conformance.corpus.player import Player, recording
from tests.conformance.lanes import play


def main() -> int:
    """Play, print and return the exit code: 1 unless every case passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="a pattern of cases' names")
    parser.add_argument("--corpus", nargs="+", default=["requests", "responses", "more_requests", "more_responses"])
    parser.add_argument("--lanes", type=int, default=12)
    parser.add_argument("--target", type=int, help="the port of a running proxy instead of gateways of our own")
    parser.add_argument("--upstream-port", type=int, default=19900, help="where that proxy forwards to")
    parser.add_argument("-v", action="store_true", help="show the cases that passed, and what went upstream")
    options = parser.parse_args()
    cases = [case for name in options.corpus for case in load(name, options.only)]
    if options.target:
        verdicts = asyncio.run(_play_target(options.target, options.upstream_port, cases))
    else:
        with tempfile.TemporaryDirectory() as folder:
            verdicts = asyncio.run(play(Path(folder), cases, options.lanes))
            sys.stderr.write((Path(folder) / "fleet.log").read_text() if options.v else "")
    for verdict in verdicts:
        if options.v or verdict.verdict != "PASS":
            print(verdict)  # noqa: T201
        if options.v:
            for request in verdict.upstream:
                print(f"       upstream got {request.raw[:300]!r}")  # noqa: T201
    counts = collections.Counter(verdict.verdict for verdict in verdicts)
    print(dict(counts))  # noqa: T201
    return 0 if set(counts) == {"PASS"} else 1


async def _play_target(target: int, upstream: int, cases: list[Case]) -> list[Verdict]:
    async with recording(upstream) as (recorder, _):
        return await Player(recorder, target).play(cases)


if __name__ == "__main__":
    sys.exit(main())
