"""Published workflows in memory, kept fresh by the announcements on the compacted catalog topic.

A version never changes. A notification carries the version it was accepted under; who lacks it fetches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.catalog.announcements import announced, open_announcements
from shared.catalog.newer import NewerWorkflows
from shared.catalog.older_versions import OlderVersions, Version
from shared.catalog.rows import WorkflowRow, from_row, row_id
from shared.catalog.started import StartedByType
from shared.kafka.connection import KafkaAddress
from shared.kafka.consumer import fetch
from shared.model.errors import KafkaUnavailable
from shared.model.formats import NewerFormat
from shared.model.own_workflows import OWN
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.mongo.bulk import Rows, find_by_id
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.retries import retry_until_available

log = structlog.get_logger()
ANNOUNCEMENTS: Final = 500
"""Taken together at most: a folder that is published is read in one query."""
READ_TOGETHER: Final = 100
"""Of workflows: each may be as large as a publication."""


TenantKey = tuple[str, str]
"""A tenant, and the key of one of its workflows."""


class Catalog:
    """The newest version of every workflow, and those older ones that were asked for; `follow` keeps it fresh."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.workflows
        self._newest: dict[TenantKey, Workflow] = {}
        self._newer = NewerWorkflows()
        self._current: dict[Version, Workflow] = {}
        self._started: StartedByType[Workflow] = StartedByType()
        self._older = OlderVersions()

    async def load(self) -> None:
        """Reads the newest version of every workflow, as far as it is not known. Raises MongoUnavailable."""
        await self._refresh([])

    async def read(self, tenant: str, key: str) -> None:
        """The same for one workflow."""
        await self._refresh([(tenant, key)])

    def newest(self, tenant: str, key: str) -> Workflow | None:
        """The newest version known here. Raises NewerFormat when only a newer version of Carillon can read it."""
        self._newer.check_newest(tenant, key)
        return self._newest.get((tenant, key))

    def readable(self, tenant: str, key: str) -> Workflow | None:
        """The newest version that can be read here: for what is shown, not for what is decided."""
        return self._newest.get((tenant, key))

    def keys(self, tenant: str) -> list[str]:
        """The keys of a tenant's workflows, for "did you mean"."""
        return sorted({key for owner, key in (*self._newest, *self._newer.newest) if owner == tenant})

    def started_by(self, tenant: str, event_type: str) -> list[Workflow]:
        """The active workflows that an event type starts. Raises NewerFormat when there may be one that is not readable."""
        self._newer.check_started(tenant, event_type)
        started = self._started.find(tenant, event_type)
        return [workflow for key, workflow in started.items() if not self._newer.is_newest(tenant, key)]

    def version(self, tenant: str, key: str, version: int) -> Workflow | None:
        """One version if it is known here; `fetch` gets those that are not. Raises NewerFormat, once that is known."""
        place = (tenant, key, version)
        found = self._current.get(place) or self._older.get(place) or OWN.get((key, version))
        if found is None:
            self._newer.check_version(place)
        return found

    async def fetch(self, wanted: Iterable[Version]) -> None:
        """Reads those that are not known here; one that does not exist stays unknown. Raises MongoUnavailable.

        All of `wanted` are known until the caller awaits something else; later an older one may be forgotten.
        """
        places = list(wanted)
        missing = [place for place in places if not self._is_known(place)]
        if not missing:
            return
        for row in (await find_by_id(self._rows, [row_id(*place) for place in missing])).values():
            if (workflow := self._readable(row)) is not None:
                self._older.keep((row["tenant"], workflow.key, workflow.version), workflow)
        self._older.forget_but(places)

    def _is_known(self, place: Version) -> bool:
        return place in self._current or self._older.get(place) is not None or place in self._newer or place[1:] in OWN

    async def follow(self, kafka: KafkaAddress, topics: Topics, client_id: str) -> None:
        """Reads what is announced; waits out all trouble, runs until cancelled."""
        while True:
            await retry_until_available(self._follow, kafka, topics, client_id)

    async def _follow(self, kafka: KafkaAddress, topics: Topics, client_id: str) -> None:
        try:
            announcements = await open_announcements(kafka, topics.catalog, client_id)
            try:
                await self.load()  # what was published before the place where this consumer begins
                while True:
                    await self._read(announcements)
            finally:
                await announcements.stop()
        except KafkaError as error:
            raise KafkaUnavailable(repr(error)) from error

    async def _read(self, announcements: AIOKafkaConsumer) -> None:
        records = await fetch(announcements, max_records=ANNOUNCEMENTS, wait_ms=1_000)
        if records:
            await self._refresh(announced(records))

    async def _refresh(self, keys: Sequence[TenantKey]) -> None:
        """Takes over the newest version of these workflows, of all there are if none is named."""
        stale = [place for place in await self._newest_of(keys) if self._is_newer(place)]
        for start in range(0, len(stale), READ_TOGETHER):
            ids = [row_id(*place) for place in stale[start : start + READ_TOGETHER]]
            for row in (await find_by_id(self._rows, ids)).values():
                self._replace(row)

    async def _newest_of(self, keys: Sequence[TenantKey]) -> list[Version]:
        """The number of the newest version, read from the index alone."""
        only: list[dict[str, object]] = (
            [{"$match": {"$or": [{"tenant": tenant, "key": key} for tenant, key in keys]}}] if keys else []
        )
        stages: list[dict[str, object]] = [
            *only,
            {"$sort": {"tenant": 1, "key": 1, "version": -1}},
            {"$group": {"_id": {"tenant": "$tenant", "key": "$key"}, "version": {"$max": "$version"}}},
        ]
        with mongo_border():
            return [
                (group["_id"]["tenant"], group["_id"]["key"], group["version"])
                async for group in self._rows.aggregate(stages)
            ]

    def _is_newer(self, place: Version) -> bool:
        known = self._newest.get(place[:2])
        return (known is None or known.version < place[2]) and not self._newer.is_newest(*place)

    def _replace(self, row: WorkflowRow) -> None:
        """Makes a row's workflow the newest one of its key; one that cannot be read leaves the one before.

        That one is not started by events any more if a newer version of Carillon published what follows it.
        """
        tenant, key = place = (row["tenant"], row["key"])
        workflow = self._readable(row) if self._is_newer((*place, row["version"])) else None
        if workflow is None:
            self._newer.take_over(row)
            return
        self._newer.replaced(row)
        before = self._newest.get(place)
        if before is not None:
            self._older.keep((*place, before.version), before)
            self._older.forget_but(())
            del self._current[*place, before.version]
            if before.active:
                self._started.remove(tenant, key, before.on)
        self._newest[place] = self._current[*place, workflow.version] = workflow
        if workflow.active:
            self._started.add(tenant, key, workflow.on, workflow)

    def _readable(self, row: WorkflowRow) -> Workflow | None:
        """A row's workflow; of what a newer version published only that is remembered."""
        try:
            return from_row(row)
        except NewerFormat as error:
            self._newer.add(row, error)
        except msgspec.ValidationError as error:
            log.error("unreadable_workflow", id=row["_id"], error=str(error), next="publish it again")
        return None
