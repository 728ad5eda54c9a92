"""Published workflows in memory, kept fresh by the announcements on the compacted catalog topic.

A version never changes. A notification carries the version it was accepted under; who lacks it fetches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.catalog.announcements import announced, open_announcements
from shared.catalog.older_versions import OlderVersions, Version
from shared.catalog.rows import WorkflowRow, from_row, row_id
from shared.kafka.consumer import fetch
from shared.model.errors import KafkaUnavailable
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
"""A tenant, and the key of one of its workflows or an event type that starts some."""


class Catalog:
    """The newest version of every workflow, and those older ones that were asked for; `follow` keeps it fresh."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.workflows
        self._newest: dict[TenantKey, Workflow] = {}
        self._current: dict[Version, Workflow] = {}
        self._by_type: dict[TenantKey, dict[str, Workflow]] = {}
        self._older = OlderVersions()

    async def load(self) -> None:
        """Reads the newest version of every workflow, as far as it is not known. Raises MongoUnavailable."""
        await self._refresh([])

    async def read(self, tenant: str, key: str) -> None:
        """The same for one workflow."""
        await self._refresh([(tenant, key)])

    def newest(self, tenant: str, key: str) -> Workflow | None:
        """The newest version known here."""
        return self._newest.get((tenant, key))

    def keys(self, tenant: str) -> list[str]:
        """The keys of a tenant's workflows, for "did you mean"."""
        return sorted(key for owner, key in self._newest if owner == tenant)

    def started_by(self, tenant: str, event_type: str) -> list[Workflow]:
        """The active workflows that an event type starts."""
        return list(self._by_type.get((tenant, event_type), {}).values())

    def version(self, tenant: str, key: str, version: int) -> Workflow | None:
        """One version if it is known here; `fetch` gets those that are not."""
        place = (tenant, key, version)
        return self._current.get(place) or self._older.get(place)

    async def fetch(self, wanted: Iterable[Version]) -> None:
        """Reads those that are not known here; one that does not exist stays unknown. Raises MongoUnavailable.

        All of `wanted` are known until the caller awaits something else; later an older one may be forgotten.
        """
        places = list(wanted)
        missing = [place for place in places if self.version(*place) is None]
        if not missing:
            return
        for row in (await find_by_id(self._rows, [row_id(*place) for place in missing])).values():
            if (workflow := _readable(row)) is not None:
                self._older.keep((row["tenant"], workflow.key, workflow.version), workflow)
        self._older.forget_but(places)

    async def follow(self, bootstrap: str, topics: Topics, client_id: str) -> None:
        """Reads what is announced; waits out all trouble, runs until cancelled."""
        while True:
            await retry_until_available(self._follow, bootstrap, topics, client_id)

    async def _follow(self, bootstrap: str, topics: Topics, client_id: str) -> None:
        try:
            announcements = await open_announcements(bootstrap, topics.catalog, client_id)
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
        only = [{"$match": {"$or": [{"tenant": tenant, "key": key} for tenant, key in keys]}}] if keys else []
        stages: list[dict[str, Any]] = [
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
        return known is None or known.version < place[2]

    def _replace(self, row: WorkflowRow) -> None:
        """Makes a row's workflow the newest one of its key; one that cannot be read leaves the one before."""
        tenant, key = place = (row["tenant"], row["key"])
        workflow = _readable(row) if self._is_newer((*place, row["version"])) else None
        if workflow is None:
            return
        before = self._newest.get(place)
        if before is not None:
            self._older.keep((*place, before.version), before)
            self._older.forget_but(())
            del self._current[*place, before.version]
            for event_type in before.on if before.active else ():
                del self._by_type[tenant, event_type][key]
        self._newest[place] = self._current[*place, workflow.version] = workflow
        for event_type in workflow.on if workflow.active else ():
            self._by_type.setdefault((tenant, event_type), {})[key] = workflow


def _readable(row: WorkflowRow) -> Workflow | None:
    """A row's workflow; one that a newer release published is left to newer services."""
    try:
        return from_row(row)
    except msgspec.ValidationError as error:
        log.error("unreadable_workflow", id=row["_id"], error=str(error), next="update this service")
        return None
