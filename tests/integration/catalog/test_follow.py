"""A running process learns what is published, whenever that happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from shared.catalog import publishing
from shared.catalog.announcements import announced, open_announcements
from shared.catalog.cache import Catalog
from shared.kafka.consumer import fetch
from shared.kafka.producer import Publisher
from shared.model.outputs import Output
from shared.model.workflows import Workflow
from shared.mongo.database import Database, open_database
from tests.support import samples as a
from tests.support.env import Names
from tests.support.wait import until

FIRST = a.workflow(key="order.first", version=0, on=("first",), recipients="data.to")


@pytest.fixture
async def database(names: Names) -> AsyncIterator[Database]:
    async with open_database(names.brokers.mongo, names.database) as found:
        yield found


@pytest.fixture
async def publisher(names: Names) -> AsyncIterator[Publisher]:
    found = Publisher(names.brokers.kafka, client_id="tests")
    yield found
    await found.stop()


@asynccontextmanager
async def followed(names: Names, database: Database) -> AsyncIterator[Catalog]:
    """A catalog that is kept fresh."""
    catalog = Catalog(database)
    following = asyncio.create_task(catalog.follow(names.brokers.kafka, names.topics, "tests"))
    try:
        yield catalog
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def knows(catalog: Catalog, key: str) -> Workflow:
    async def newest() -> Workflow | None:
        return catalog.newest("default", key)

    return await until(newest, what=f"the workflow {key}")


async def test_what_is_announced_between_the_start_and_the_first_look_is_read(
    names: Names, database: Database, publisher: Publisher
) -> None:
    consumer = await open_announcements(names.brokers.kafka, names.topics.catalog, "tests")
    (partition,) = consumer.assignment()
    # A client that is told `latest` asks where that is when it pleases; nothing public says whether it has.
    place = consumer._subscription.subscription.assignment.state_value(partition)
    assert place.has_valid_position, "the place is known as soon as it is open"
    try:
        await publishing.publish(database, publisher, names.topics, "default", [FIRST])
        seen = await until(lambda: fetch(consumer, max_records=10), what="its announcement")
    finally:
        await consumer.stop()
    assert announced(seen) == [("default", "order.first")]


async def test_a_running_process_learns_new_versions_and_steps_over_what_names_none(
    names: Names, database: Database, publisher: Publisher
) -> None:
    async with followed(names, database) as catalog:
        await knows(catalog, "order.shipped")  # of before
        for key in (b"-", b"\xff", b"default:no.such"):
            await publisher.publish([Output(names.topics.catalog, key, b"{}", [])])
        await publishing.publish(database, publisher, names.topics, "default", [FIRST])
        assert (await knows(catalog, "order.first")).version == 1
        assert [workflow.key for workflow in catalog.started_by("default", "first")] == ["order.first"]
