"""Published workflows: stored by version in MongoDB, announced on the compacted catalog topic, kept in memory.

A version never changes. A notification carries the version it was accepted under; who lacks it fetches it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import structlog
import yaml
from aiokafka.errors import KafkaError

from shared import workflows
from shared.clock import now_ms
from shared.errors import InvalidWorkflow, KafkaAway
from shared.kafka import Publisher, consumer, started
from shared.mongo import Database, mongo_border, patiently
from shared.statuses import Output
from shared.timestamps import to_datetime
from shared.topics import Topics
from shared.workflows import Workflow

log = structlog.get_logger()
Place = tuple[str, str]
"""Tenant and workflow key."""


class _Yaml(yaml.SafeLoader):
    """Safe, and with the booleans of YAML 1.2: `on:` is a key of ours, not `true`."""


_Yaml.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_folder(folder: Path) -> list[Workflow]:
    """Every `*.yaml` below `folder` as a workflow. Raises InvalidWorkflow, the file named in its detail."""
    found = []
    for path in sorted(folder.rglob("*.yaml")):
        try:
            document = yaml.load(path.read_text("utf-8"), _Yaml)  # noqa: S506  # _Yaml is a SafeLoader
            found.append(workflows.parse(document))
        except InvalidWorkflow as error:
            raise InvalidWorkflow(error.code, f"{path}: {error.detail}", error.pointer) from error
        except yaml.YAMLError as error:
            raise InvalidWorkflow("invalid_yaml", f"{path}: {error}") from error
    return found


async def publish(
    database: Database, publisher: Publisher, topics: Topics, tenant: str, found: Iterable[Workflow]
) -> list[Workflow]:
    """Publishes what differs from its newest version, under the next number; returns what is new.

    Raises MongoAway or KafkaAway; running it again repeats nothing but the announcement.
    """
    new: list[Workflow] = []
    for workflow in found:
        with mongo_border():
            row = await database.workflows.find_one({"tenant": tenant, "key": workflow.key}, sort=[("version", -1)])
        latest = _workflow(row) if row else None
        if latest is None or msgspec.structs.replace(latest, version=0) != workflow:
            latest = msgspec.structs.replace(workflow, version=latest.version + 1 if latest else 1)
            with mongo_border():
                await database.workflows.insert_one(
                    {
                        "_id": f"{tenant}:{workflow.key}:{latest.version}",
                        "tenant": tenant,
                        "key": workflow.key,
                        "version": latest.version,
                        "body": msgspec.to_builtins(latest),
                        "created_at": to_datetime(now_ms()),
                    }
                )
            new.append(latest)
        key = f"{tenant}:{workflow.key}".encode()
        await publisher.publish([Output(topics.catalog, key, msgspec.json.encode(latest), [])])
    return new


class Catalog:
    """The workflows in memory; `follow` keeps the newest versions fresh."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._versions: dict[tuple[str, str, int], Workflow] = {}
        self._newest: dict[Place, Workflow] = {}
        self._by_type: dict[Place, list[Workflow]] = {}

    async def load(self) -> None:
        """Reads the newest version of every workflow. Raises MongoAway."""
        newest: dict[Place, Workflow] = {}
        with mongo_border():
            async for row in self._database.workflows.find().sort("version", 1):
                if (workflow := self._keep(row)) is not None:
                    newest[row["tenant"], row["key"]] = workflow
        by_type: dict[Place, list[Workflow]] = {}
        for (tenant, _), workflow in newest.items():
            for event_type in workflow.on if workflow.active else ():
                by_type.setdefault((tenant, event_type), []).append(workflow)
        self._newest, self._by_type = newest, by_type

    def newest(self, tenant: str, key: str) -> Workflow | None:
        """The newest version known here."""
        return self._newest.get((tenant, key))

    def keys(self, tenant: str) -> list[str]:
        """The keys of a tenant's workflows, for "did you mean"."""
        return sorted(key for owner, key in self._newest if owner == tenant)

    def started_by(self, tenant: str, event_type: str) -> list[Workflow]:
        """The active workflows that an event type starts."""
        return self._by_type.get((tenant, event_type), [])

    def version(self, tenant: str, key: str, version: int) -> Workflow | None:
        """One version if it is known here; `fetch` gets those that are not."""
        return self._versions.get((tenant, key, version))

    async def fetch(self, wanted: Iterable[tuple[str, str, int]]) -> None:
        """Reads versions that are not known here; one that does not exist stays unknown. Raises MongoAway."""
        missing = [f"{tenant}:{key}:{version}" for tenant, key, version in wanted]
        if missing:
            with mongo_border():
                async for row in self._database.workflows.find({"_id": {"$in": missing}}):
                    self._keep(row)

    async def follow(self, bootstrap: str, topics: Topics, client_id: str) -> None:
        """Loads again whenever something is published; waits out all trouble, runs until cancelled."""
        while True:
            await patiently()(self._follow, bootstrap, topics, client_id)

    async def _follow(self, bootstrap: str, topics: Topics, client_id: str) -> None:
        announcements = consumer(bootstrap, topics.catalog, group=None, client_id=client_id, auto_offset_reset="latest")
        try:
            await started(announcements)
            await self.load()  # what was published before the first announcement this consumer sees
            async for _ in announcements:
                await self.load()
        except KafkaError as error:
            raise KafkaAway(repr(error)) from error
        finally:
            await announcements.stop()

    def _keep(self, row: dict[str, Any]) -> Workflow | None:
        """Remembers a row's workflow; one that a newer release published is left to newer services."""
        try:
            workflow = _workflow(row)
        except msgspec.ValidationError as error:
            log.error("unreadable_workflow", id=row["_id"], error=str(error), next="update this service")
            return None
        self._versions[row["tenant"], workflow.key, workflow.version] = workflow
        return workflow


def _workflow(row: dict[str, Any]) -> Workflow:
    return msgspec.convert(row["body"], Workflow)
