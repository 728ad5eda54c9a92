"""Two ingest processes over brokers of the module's own, and a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.integration.ingest.stack import Stack, client, two_processes


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with two_processes(tmp_path_factory.mktemp("ingest")) as found:
        yield found


@pytest.fixture
async def api(stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the first process."""
    async with client(stack.urls[0], stack.key) as session:
        yield session
