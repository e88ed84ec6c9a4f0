"""Requests that are begun together: a fault of ours in one of them is nobody else's."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.block import Block
from gateway.policy.quota import Charge, Verdict
from tests.proxy.test_pending import BURST, GET, rig
from tests.support.client import connected
from tests.support.soon import soon


class Faulty:
    """Grants everybody all, and breaks on the second request."""

    counted = 0

    def grant(self, charges: Sequence[Charge], now: float) -> Block:
        """Count a request, or break."""
        self.counted += 1
        if self.counted == 2:
            raise LookupError("broken")
        return ""

    def count(self, charges: Sequence[Charge], now: float) -> Verdict | None:
        """Never asked."""
        raise AssertionError(charges)

    def observe(self, charges: Sequence[Charge], now: float) -> None:
        """Never asked."""
        raise AssertionError(charges)


async def test_a_request_that_cannot_be_decided_costs_its_client_the_connection_and_no_other_one_anything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with rig(tmp_path, BURST.replace("quota: 1,", "quota: 100,")) as place:
        port = place.listener.port
        place.shared.memory = replace(place.shared.memory, quotas=Faulty())
        async with connected(port) as first, connected(port) as second, connected(port) as third:
            await asyncio.gather(*(client.send(GET) for client in (first, second, third)))
            answers = await asyncio.gather(
                *(client.answer() for client in (first, second, third)), return_exceptions=True
            )
        statuses = [answer.status for answer in answers if not isinstance(answer, BaseException)]
        assert statuses == [200, 200]
        assert place.shared.open == 0
    assert "could not be decided" in caplog.text


async def test_a_fault_in_a_pipelined_request_cuts_its_connection_and_not_the_one_ahead(tmp_path: Path) -> None:
    async with rig(tmp_path, BURST.replace("quota: 1,", "quota: 100,")) as place:
        place.shared.memory = replace(place.shared.memory, quotas=Faulty())
        async with connected(place.listener.port) as client:
            await client.send(GET + GET)
            assert (await client.answer()).status == 200
            assert await client.at_end()
        assert await soon(lambda: place.shared.open == 0)
