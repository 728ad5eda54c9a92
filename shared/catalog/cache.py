"""Published workflows in memory, kept fresh by the announcements on the compacted catalog topic.

A version never changes. A notification carries the version it was accepted under; who lacks it fetches it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
import structlog
from aiokafka.errors import KafkaError

from shared.catalog.newer import NewerWorkflows
from shared.catalog.rows import WorkflowRow, from_row, row_id
from shared.kafka.consumer import open_consumer, start_consumer
from shared.model.errors import KafkaUnavailable
from shared.model.formats import NewerFormat
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.mongo.bulk import Rows, find_by_id
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.retries import retry_until_available

log = structlog.get_logger()


TenantKey = tuple[str, str]
"""A tenant, and the key of one of its workflows or an event type that starts some."""


class Catalog:
    """The workflows in memory; `follow` keeps the newest versions fresh."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.workflows
        self._versions: dict[tuple[str, str, int], Workflow] = {}
        self._newest: dict[TenantKey, Workflow] = {}
        self._by_type: dict[TenantKey, list[Workflow]] = {}
        self._newer = NewerWorkflows()

    async def load(self) -> None:
        """Reads the newest version of every workflow. Raises MongoUnavailable."""
        newest: dict[TenantKey, Workflow] = {}
        newer = NewerWorkflows()
        with mongo_border():
            async for row in self._rows.find().sort("version", 1):
                if (workflow := self._keep(row, newer.add_newest)) is not None:
                    newest[row["tenant"], row["key"]] = workflow
                    newer.replaced(row)
        by_type: dict[TenantKey, list[Workflow]] = {}
        for (tenant, _), workflow in newest.items():
            for event_type in workflow.on if workflow.active else ():
                by_type.setdefault((tenant, event_type), []).append(workflow)
        self._newest, self._by_type, self._newer = newest, by_type, newer

    def newest(self, tenant: str, key: str) -> Workflow | None:
        """The newest version known here. Raises NewerFormat when only a newer version of Carillon can read it."""
        self._newer.check_newest(tenant, key)
        return self._newest.get((tenant, key))

    def readable(self, tenant: str, key: str) -> Workflow | None:
        """The newest version that can be read here: for what is shown, not for what is decided."""
        return self._newest.get((tenant, key))

    def keys(self, tenant: str) -> list[str]:
        """The keys of a tenant's workflows, for "did you mean"."""
        return sorted(key for owner, key in self._newest if owner == tenant)

    def started_by(self, tenant: str, event_type: str) -> list[Workflow]:
        """The active workflows that an event type starts. Raises NewerFormat when there may be one that is not readable."""
        self._newer.check_started(tenant, event_type)
        return self._by_type.get((tenant, event_type), [])

    def version(self, tenant: str, key: str, version: int) -> Workflow | None:
        """One version if it is known here; `fetch` gets those that are not. Raises NewerFormat, once that is known."""
        found = self._versions.get((tenant, key, version))
        if found is None:
            self._newer.check_version(tenant, key, version)
        return found

    async def fetch(self, wanted: Iterable[tuple[str, str, int]]) -> None:
        """Reads versions that are not known here; one that does not exist stays unknown. Raises MongoUnavailable."""
        missing = [row_id(*place) for place in wanted]
        for row in (await find_by_id(self._rows, missing)).values():
            self._keep(row, self._newer.add)

    async def follow(self, bootstrap: str, topics: Topics, client_id: str) -> None:
        """Loads again whenever something is published; waits out all trouble, runs until cancelled."""
        while True:
            await retry_until_available(self._follow, bootstrap, topics, client_id)

    async def _follow(self, bootstrap: str, topics: Topics, client_id: str) -> None:
        announcements = open_consumer(
            bootstrap, topics.catalog, group=None, client_id=client_id, auto_offset_reset="latest"
        )
        try:
            await start_consumer(announcements)
            await self.load()  # what was published before the first announcement this consumer sees
            async for _ in announcements:
                await self.load()
        except KafkaError as error:
            raise KafkaUnavailable(repr(error)) from error
        finally:
            await announcements.stop()

    def _keep(self, row: WorkflowRow, add_newer: Callable[[WorkflowRow, NewerFormat], None]) -> Workflow | None:
        """Remembers a row's workflow; what a newer version published goes to `add_newer`."""
        try:
            workflow = from_row(row)
        except NewerFormat as error:
            add_newer(row, error)
            return None
        except msgspec.ValidationError as error:
            log.error("unreadable_workflow", id=row["_id"], error=str(error), next="publish it again")
            return None
        self._versions[row["tenant"], workflow.key, workflow.version] = workflow
        return workflow
