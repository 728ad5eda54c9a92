"""Published workflows in memory: those that exist, and those that this process knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.catalog.newer import NewerWorkflows
from shared.catalog.rows import WorkflowRow, row_id
from shared.model.errors import MongoUnavailable
from shared.model.event_types import starting_types
from shared.model.formats import NewerFormat
from shared.model.timestamps import to_datetime
from shared.model.workflows import Workflow
from tests.support.samples import NEWER
from tests.support.twins.outages import Outages

Version = tuple[str, str, int]
"""Tenant, workflow key and version."""


class MemoryCatalog:
    """A WorkflowCatalog, and ingest's NewestWorkflows. What is published is known after `load`, or once it was fetched."""

    def __init__(self) -> None:
        self.outages = Outages(MongoUnavailable)
        self._published: dict[Version, Workflow] = {}
        self._known: dict[Version, Workflow] = {}
        self._newest: dict[tuple[str, str], Workflow] = {}
        self._newer_rows: list[WorkflowRow] = []
        self._newer = NewerWorkflows()

    def publish_newer(self, tenant: str, key: str, version: int, body: Any, number: int = NEWER) -> None:
        """Makes a version exist that has this format."""
        row: WorkflowRow = {
            "_id": row_id(tenant, key, version),
            "tenant": tenant,
            "key": key,
            "version": version,
            "body": body,
            "created_at": to_datetime(0),
            "format": number,
        }
        self._newer_rows.append(row)

    def publish(self, tenant: str, *workflows: Workflow) -> None:
        """Makes versions exist, each under the number that it has."""
        self._published.update({(tenant, workflow.key, workflow.version): workflow for workflow in workflows})

    def forget(self) -> None:
        """As a process that has just started: what is published is there, and nothing of it is known."""
        self._known, self._newest = {}, {}

    async def load(self) -> None:
        async with self.outages.call():
            self._known = dict(self._published)
            oldest_first = sorted(self._known.items(), key=lambda entry: entry[1].version)
            self._newest = {(tenant, key): workflow for (tenant, key, _), workflow in oldest_first}
            for row in self._newer_rows:
                self._look_at(row)

    async def read(self, tenant: str, key: str) -> None:
        async with self.outages.call():
            found = {place: workflow for place, workflow in self._published.items() if place[:2] == (tenant, key)}
            self._known |= found
            if found:
                self._newest[tenant, key] = found[max(found)]
            for row in self._newer_rows:
                if (row["tenant"], row["key"]) == (tenant, key):
                    self._look_at(row)

    def _look_at(self, row: WorkflowRow) -> None:
        self._newer.add(row, NewerFormat("workflow", row.get("format", 1)))
        readable = self._newest.get((row["tenant"], row["key"]))
        if readable is None or readable.version < row["version"]:
            self._newer.take_over(row)
        else:
            self._newer.replaced(row)

    def newest(self, tenant: str, key: str) -> Workflow | None:
        self._newer.check_newest(tenant, key)
        return self._newest.get((tenant, key))

    def keys(self, tenant: str) -> list[str]:
        return sorted(key for owner, key in {*self._newest, *self._newer.newest} if owner == tenant)

    def started_by(self, tenant: str, event_type: str) -> list[Workflow]:
        self._newer.check_started(tenant, event_type)
        return [
            workflow
            for (owner, _), workflow in self._newest.items()
            if owner == tenant and workflow.active and not set(starting_types(event_type)).isdisjoint(workflow.on)
            if not self._newer.is_newest(tenant, workflow.key)
        ]

    def version(self, tenant: str, key: str, version: int) -> Workflow | None:
        self._newer.check_version((tenant, key, version))
        return self._known.get((tenant, key, version))

    async def fetch(self, wanted: Iterable[Version]) -> None:
        missing = [place for place in wanted if place not in self._known]
        if missing:
            async with self.outages.call():
                self._known.update({place: self._published[place] for place in missing if place in self._published})
                for row in self._newer_rows:
                    if (row["tenant"], row["key"], row["version"]) in missing:
                        self._newer.add(row, NewerFormat("workflow", row.get("format", 1)))
