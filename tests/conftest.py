"""Fixtures that everybody shares: one Kafka and one mongod for all, isolated by topic prefix and database."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from shared.mongo.database import open_database
from tests.support.brokers import Brokers, brokers
from tests.support.env import TOKEN_SECRET, Harness, Names, lay
from tests.support.product import serving
from tests.support.rerun import check_decisions

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


@pytest.fixture(scope="session")
def shared_brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    """A Kafka and a mongod for the whole session; nobody kills them."""
    with brokers(tmp_path_factory.mktemp("brokers")) as found:
        yield found


@pytest.fixture
async def names(shared_brokers: Brokers) -> AsyncIterator[Names]:
    """A topic prefix and a database of the test's own, topics made and migrated; both go with the test.

    All of them at once were more files than a broker may have open.
    """
    found = await lay(shared_brokers)
    yield found
    async with open_database(found.brokers.mongo, found.database) as database:
        await database.client.drop_database(database.name)
    admin = AIOKafkaAdminClient(bootstrap_servers=str(found.brokers.kafka))
    await admin.start()
    try:
        await admin.delete_topics([topic.name for topic in found.topics.table()])
    finally:
        await admin.close()


@pytest.fixture(scope="session")
def product(shared_brokers: Brokers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """The whole product, running, for all tests that only use it: each with users and keys of its own."""
    with serving(shared_brokers, tmp_path_factory.mktemp("product")) as made:
        yield made


@pytest.fixture
async def stack(product: Harness) -> dict[str, Any]:
    """The running product as `stack.json` describes it: URLs and credentials, nothing else."""
    urls = {name: product.url(name) for name in ("ingest", "gateway", "console", "sink")}
    sockets = f"ws://127.0.0.1:{product.ports['sockets']}"
    return {"urls": urls | {"sockets": sockets}, "api_key": await product.api_key(), "token_secret": TOKEN_SECRET}


@pytest.fixture
async def harness(names: Names, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    """Services as processes of the test's own; ended with it. Then their decisions are asked for again."""
    made = Harness(names, tmp_path)
    try:
        yield made
    finally:
        made.kill()
    if (
        "upgrade" not in request.path.parts
    ):  # where other versions decide, too, and keep less, or what this one cannot read
        await check_decisions(names)
