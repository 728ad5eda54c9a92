"""Fixtures that everybody shares: one Kafka and one mongod for all, isolated by topic prefix and database."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.brokers import Brokers, brokers
from tests.harness import Harness, Names, lay

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


@pytest.fixture(scope="session")
def shared_brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    """A Kafka and a mongod for the whole session; nobody kills them."""
    with brokers(tmp_path_factory.mktemp("brokers")) as found:
        yield found


@pytest.fixture
async def names(shared_brokers: Brokers) -> Names:
    """A topic prefix and a database of the test's own, topics made and migrated."""
    return await lay(shared_brokers)


@pytest.fixture
async def harness(names: Names, tmp_path: Path) -> AsyncIterator[Harness]:
    """Services as processes of the test's own; ended with it."""
    made = Harness(names, tmp_path)
    try:
        yield made
    finally:
        await made.close()
