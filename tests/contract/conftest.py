"""Each suite runs over the twin and over the real thing; `-m "not real"` leaves the second out and needs no broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from shared.mongo.database import Database, open_database
from tests.support.brokers import Brokers

BOTH = ["twin", pytest.param("real", marks=pytest.mark.real)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever asks for `implementation`, itself or through a fixture, runs over both."""
    if "implementation" in metafunc.fixturenames:
        metafunc.parametrize("implementation", BOTH)


@pytest.fixture
async def database(shared_brokers: Brokers) -> AsyncIterator[Database]:
    """An empty database of the test's own, without indexes: only ids have to be unique."""
    async with open_database(shared_brokers.mongo, f"t_{uuid4().hex[:10]}") as found:
        yield found
