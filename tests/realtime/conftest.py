"""What tests of sessions share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.realtime.place import Place, place


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Place]:
    """A place with the usual rules."""
    async with place(tmp_path) as found:
        yield found
