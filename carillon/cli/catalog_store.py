"""What `carillon catalog` reads and writes in MongoDB and on the catalog topic."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.catalog.cache import Catalog
from shared.catalog.publishing import PublishedVersion, publish, published_version, published_versions
from shared.kafka.producer import Publisher
from shared.model.workflows import Workflow
from shared.mongo.database import open_database
from shared.process.settings import Settings

MAX_VERSIONS: Final = 50
"""That `history` shows."""


async def publish_all(
    settings: Settings, tenant: str, workflows: list[Workflow]
) -> tuple[set[str], dict[str, Workflow]]:
    """The keys that got a new version, and the newest version of each workflow."""
    async with open_database(settings.mongo, settings.mongo_database) as database:
        publisher = Publisher(settings.kafka_connection, client_id="carillon-cli")
        await publisher.start()
        try:
            new = await publish(database, publisher, settings.topics, tenant, workflows)
        finally:
            await publisher.stop()
    return {workflow.key for workflow in new}, await newest_of(settings, tenant)


async def publish_again(settings: Settings, tenant: str, key: str, number: int) -> tuple[int | None, bool]:
    """The number of the newest version once it has the content of an older one, and whether it is a new one.

    None: there is no such version that can be read here.
    """
    async with open_database(settings.mongo, settings.mongo_database) as database:
        found = await published_version(database, tenant, key, number)
    if found is None or found.workflow is None:
        return None, False
    new, newest = await publish_all(settings, tenant, [msgspec.structs.replace(found.workflow, version=0)])
    return newest[key].version, bool(new)


async def versions_of(settings: Settings, tenant: str, key: str) -> list[PublishedVersion]:
    """The newest versions of a workflow, and one more to compare the oldest of them with."""
    async with open_database(settings.mongo, settings.mongo_database) as database:
        return await published_versions(database, tenant, key, most=MAX_VERSIONS + 1)


async def newest_of(settings: Settings, tenant: str) -> dict[str, Workflow]:
    """The newest version that can be read here of each workflow, by its key."""
    async with open_database(settings.mongo, settings.mongo_database) as database:
        published = Catalog(database)
        await published.load()
    keyed = {key: published.readable(tenant, key) for key in published.keys(tenant)}
    return {key: workflow for key, workflow in keyed.items() if workflow is not None}
