"""Plays a corpus in several lanes at once: a lane is a gateway, a recorder and a player of its own.

Cases mostly wait, so lanes cost little and shorten the whole by their number.
"""

import asyncio
import itertools
from contextlib import AsyncExitStack
from pathlib import Path

from tests.conformance.corpus.case import Case
from tests.conformance.corpus.judge import Verdict
from tests.conformance.corpus.player import Player, recording
from tests.support.fleet import fleet

CONFIGURATION = """
version: 1
server: {{listen: "127.0.0.1:0", admin: {{listen: "127.0.0.1:0"}}}}
upstreams:
  recorder: {{endpoints: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: everything, match: "/{{rest*}}", upstream: recorder, auth: none}}
"""


async def play(folder: Path, cases: list[Case], lanes: int) -> list[Verdict]:
    """Return all verdicts in the cases' order."""
    lanes = min(lanes, len(cases))
    async with AsyncExitStack() as stack:
        recorders = [await stack.enter_async_context(recording()) for _ in range(lanes)]
        texts = [CONFIGURATION.format(port=port) for _, port in recorders]
        ports = await stack.enter_async_context(fleet(folder, texts))
        players = [Player(recorder, port) for (recorder, _), port in zip(recorders, ports, strict=True)]
        parts = [player.play(cases[number::lanes]) for number, player in enumerate(players)]
        played = await asyncio.gather(*parts)
    rows = itertools.zip_longest(*played)
    return [verdict for row in rows for verdict in row if verdict is not None]
