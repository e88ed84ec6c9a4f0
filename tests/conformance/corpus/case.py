"""One case of a corpus, as its JSON line describes it."""

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.corpus.recorder import Script

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Probe:
    """A third party's verdict, by status only."""

    passes: list[str]
    warns: list[str]
    close: bool
    timeout: bool
    custom: bool


@dataclass(frozen=True)
class Case:
    """What is sent, and which outcomes are best and allowed. `wanted` requests may reach the upstream, no more."""

    name: str
    group: str
    rfc: str
    segments: list[bytes]
    methods: list[bytes]
    wanted: int
    best: list[str]
    allow: list[str]
    script: Script | None
    quiet: float
    forbid: list[bytes]
    bodies: list[bytes | None] | None
    absent: list[bytes]
    absent_values: list[tuple[bytes, bytes]]
    tolerate: list[str]
    is_truncated: bool
    is_residue_fine: bool
    closes_on_reject: bool
    closes_on_forward: bool
    body: bytes | None
    probe: Probe | None

    def __str__(self) -> str:
        return self.name


def load(name: str, only: str = "", quiet: float = 0.45) -> list[Case]:
    """Return the cases of `name`.jsonl whose name has the pattern."""
    lines = (FOLDER / f"{name}.jsonl").read_text().splitlines()
    cases = [_case(json.loads(line), quiet) for line in lines if line.strip()]
    return [case for case in cases if re.search(only, case.name)]


def _case(given: dict[str, Any], quiet: float) -> Case:
    coded = given["segments_b64"] if "segments_b64" in given else [given["raw_b64"]]
    segments = [base64.b64decode(segment) for segment in coded]
    bodies = given.get("bodies_b64")
    return Case(
        name=given["name"],
        group=given["group"],
        rfc=given["rfc"],
        segments=segments,
        methods=[method.encode() for method in given.get("methods", [])] or [segments[0].split(b" ")[0]],
        wanted=given.get("n", 1),
        best=given["best"],
        allow=given["allow"],
        script=_script(given["resp"]) if "resp" in given else None,
        quiet=given.get("quiet", quiet),
        forbid=[text.encode("latin1") for text in given.get("forbid", [])],
        bodies=None if bodies is None else [None if body is None else base64.b64decode(body) for body in bodies],
        absent=[name.encode() for name in given.get("absent", [])],
        absent_values=[(name.encode(), value.encode()) for name, value in given.get("absent_value", [])],
        tolerate=given.get("tolerate", []),
        is_truncated=given.get("truncated", False),
        is_residue_fine=given.get("residue_ok", False),
        closes_on_reject=given.get("close_on_reject", False),
        closes_on_forward=given.get("close_on_forward", False),
        body=base64.b64decode(given["body_b64"]) if "body_b64" in given else None,
        probe=Probe(**given["probe"]) if "probe" in given else None,
    )


def _script(acts: list[str]) -> Script:
    return [act if act in {"close", "abort"} else base64.b64decode(act) for act in acts]
