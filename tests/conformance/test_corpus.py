"""Ambiguous requests and broken answers, 294 of them: none is passed on in a way that two parsers read differently."""

from pathlib import Path

import pytest

from tests.conformance.corpus.case import Case, load
from tests.conformance.lanes import play

LANES = 10
SLICES = 3
EXCEPTIONS: dict[str, tuple[str, str]] = {}
"""Cases whose verdict we hold to be wrong: name -> (verdict that we get, the RFC section that says so)."""


def _slices() -> list[object]:
    requests = load("requests")
    parts = [requests[number::SLICES] for number in range(SLICES)]
    named = [pytest.param(part, id=f"requests-{number + 1}") for number, part in enumerate(parts)]
    return [*named, pytest.param(load("responses"), id="responses")]


@pytest.mark.parametrize("cases", _slices())
async def test_every_case_of_the_corpus_passes(tmp_path: Path, cases: list[Case]) -> None:
    verdicts = await play(tmp_path, cases, LANES)
    assert len(verdicts) == len(cases)
    wrong = [str(v) for v in verdicts if v.verdict != EXCEPTIONS.get(v.case.name, ("PASS", ""))[0]]
    if wrong:
        pytest.fail(f"{len(wrong)} of {len(cases)} cases:\n" + "\n".join(wrong), pytrace=False)


def test_the_corpora_are_whole() -> None:
    assert (len(load("requests")), len(load("responses"))) == (252, 42)
