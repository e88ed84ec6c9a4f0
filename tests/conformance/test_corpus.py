"""Ambiguous requests and broken answers, 739 of them: none is passed on in a way that two parsers read differently."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.corpus.case import Case, load
from tests.conformance.lanes import play

LANES = 20
SLICES = {"requests": 3, "responses": 1, "more_requests": 2, "more_responses": 1}
"""Corpora, and in how many tests each is played, so that they can run side by side."""
EXCEPTIONS: dict[str, tuple[str, str]] = {}
"""Cases whose verdict we hold to be wrong: name -> (verdict that we get, the RFC section that says so)."""


def _slices() -> Iterator[object]:
    for name, count in SLICES.items():
        cases = load(name)
        for number in range(count):
            yield pytest.param(cases[number::count], id=f"{name}-{number + 1}")


@pytest.mark.parametrize("cases", list(_slices()))
async def test_every_case_of_the_corpus_passes(tmp_path: Path, cases: list[Case]) -> None:
    verdicts = await play(tmp_path, cases, LANES)
    assert len(verdicts) == len(cases)
    wrong = [str(v) for v in verdicts if v.verdict != EXCEPTIONS.get(v.case.name, ("PASS", ""))[0]]
    if wrong:
        pytest.fail(f"{len(wrong)} of {len(cases)} cases:\n" + "\n".join(wrong), pytrace=False)


def test_the_corpora_are_whole() -> None:
    assert {name: len(load(name)) for name in SLICES} == {
        "requests": 252,
        "responses": 42,
        "more_requests": 291,
        "more_responses": 154,
    }


def test_no_two_cases_have_the_same_name() -> None:
    names = [case.name for name in SLICES for case in load(name)]
    assert len(set(names)) == len(names)
