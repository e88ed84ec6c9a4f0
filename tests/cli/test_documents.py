"""The documents under docs/ that `crossfade plan` writes are those of today's config/gateway.yaml."""

import re
from pathlib import Path

import pytest

from .conftest import Crossfade

ROOT = Path(__file__).resolve().parents[2]
ENVIRON = {"JWT_SECRET": "not-a-secret-only-for-documents-0123", "CROSSFADE_ADMIN_TOKEN": "not-a-token-0123"}


@pytest.mark.parametrize(
    ("name", "arguments"), [("migration-plan.md", ("--format", "md")), ("deprecation-guide.md", ("--for", "consumers"))]
)
def test_a_checked_in_document_is_current(crossfade: Crossfade, name: str, arguments: tuple[str, ...]) -> None:
    config = str(ROOT / "config" / "gateway.yaml")

    done = crossfade("plan", "-c", config, "--at", "2026-12-01", *arguments, environ=ENVIRON)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (ROOT / "docs" / name).read_text(encoding="utf-8"), (
        "config/gateway.yaml has changed: make docs"
    )


def test_the_guide_has_every_endpoint_with_both_calls() -> None:
    guide = (ROOT / "docs" / "deprecation-guide.md").read_text(encoding="utf-8")
    config = (ROOT / "config" / "gateway.yaml").read_text(encoding="utf-8")
    mapped = re.findall(r'\{legacy: "(\S+ \S+)",\s+successor: "(\S+ \S+)"', config)

    assert len(mapped) > 25
    for legacy, successor in mapped:
        assert f"### {legacy}\n\nCall `{successor}` instead.\n\n```sh\n# before\ncurl " in guide


def test_the_guide_names_nobody_who_calls() -> None:
    guide = (ROOT / "docs" / "deprecation-guide.md").read_text(encoding="utf-8")

    assert not re.search(r"acme|beta|salt|tacn|C-118", guide)
