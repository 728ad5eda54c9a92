"""What must be there before the services start: topics, migrations, the catalog, a development key. All may be repeated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from aiokafka.errors import KafkaError

from sandbox.process import ROOT
from sandbox.progress import Report
from sandbox.stack import Stack
from shared.catalog.files import read_folder
from shared.catalog.publishing import publish
from shared.kafka.admin import ensure_topics
from shared.kafka.producer import Publisher
from shared.model.errors import CarillonError
from shared.model.topics import Topics
from shared.mongo.api_keys import ApiKeys, Scope, create
from shared.mongo.database import open_database
from shared.mongo.migrations import migrate

CATALOG: Final = ROOT / "catalog"
TENANT: Final = "default"


class ProvisioningFailed(Exception):
    """A step of the provisioning failed; the message says which and why."""


async def provision(stack: Stack, report: Report) -> Stack:
    """Do all of it on a running Kafka and MongoDB; returns the stack with its key. Raises `ProvisioningFailed`."""
    try:
        with report.step("topics"):
            await ensure_topics(stack.kafka, Topics().table(), replication=1)
        with report.step("migrations"):
            await migrate(stack.mongo, stack.mongo_database)
        with report.step("development key"):
            stack = replace(stack, api_key=await _key(stack))
    except (CarillonError, KafkaError) as error:
        raise ProvisioningFailed(f"{type(error).__name__}: {error}") from error
    if any(CATALOG.rglob("*.yaml")):
        with report.step("catalog"):
            await _publish(CATALOG, stack)
    return stack


async def _key(stack: Stack) -> str:
    """The key of before if this database knows it, else a new one."""
    async with open_database(stack.mongo, stack.mongo_database) as database:
        if stack.api_key and await ApiKeys(database).principal(stack.api_key):
            return stack.api_key
        return await create(database, tenant=TENANT, scopes=frozenset(Scope), name="development")


async def _publish(folder: Path, stack: Stack) -> None:
    publisher = Publisher(stack.kafka, client_id="carillon-sandbox")
    async with open_database(stack.mongo, stack.mongo_database) as database:
        try:
            await publish(database, publisher, Topics(), TENANT, read_folder(folder))
        finally:
            await publisher.stop()
