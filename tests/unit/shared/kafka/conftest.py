"""What the tests of group commit start from."""

from __future__ import annotations

import pytest_asyncio

from tests.support.twins.sink import MemorySink


@pytest_asyncio.fixture
async def sink() -> MemorySink:
    return MemorySink()
