"""Workflows that only a newer version of Carillon can read: what they might concern waits for one."""

from __future__ import annotations

import structlog

from shared.catalog.older_versions import Version
from shared.catalog.rows import WorkflowRow, starts_on
from shared.catalog.started import StartedByType
from shared.model.formats import NewerFormat

log = structlog.get_logger()


class NewerWorkflows:
    """Those that were found so far; while there are none, they cost nothing."""

    def __init__(self) -> None:
        self._versions: dict[Version, NewerFormat] = {}
        self.newest: dict[tuple[str, str], int] = {}
        """Of workflows whose newest version is one: its number."""
        self._started: StartedByType[NewerFormat] = StartedByType()
        self._types: dict[tuple[str, str], list[str]] = {}
        """By tenant and key: what starts it."""
        self._by_any: dict[str, dict[str, NewerFormat]] = {}
        """By tenant, then by key: what starts them is not readable either."""

    def __contains__(self, place: object) -> bool:
        return place in self._versions

    def add(self, row: WorkflowRow, error: NewerFormat) -> None:
        """One version, whether the newest or not; logged once."""
        place = row["tenant"], row["key"], row["version"]
        if place not in self._versions:
            log.error("newer_workflow", id=row["_id"], format=error.number, next="update this service")
        self._versions[place] = error

    def take_over(self, row: WorkflowRow) -> None:
        """The row is the newest version of its workflow; nothing changes unless it was added as one of these."""
        tenant, key = row["tenant"], row["key"]
        error = self._versions.get((tenant, key, row["version"]))
        if error is None:
            return
        self.replaced(row)
        self.newest[tenant, key] = row["version"]
        types = starts_on(row)
        if types is None:
            self._by_any.setdefault(tenant, {})[key] = error
        else:
            self._types[tenant, key] = types
            self._started.add(tenant, key, types, error)

    def replaced(self, row: WorkflowRow) -> None:
        """A later version of the same workflow is there: what starts it is what that one says."""
        tenant, key = row["tenant"], row["key"]
        if self.newest.pop((tenant, key), None) is not None:
            self._by_any.get(tenant, {}).pop(key, None)
            self._started.remove(tenant, key, self._types.pop((tenant, key), ()))

    def is_newest(self, tenant: str, key: str, version: int | None = None) -> bool:
        """Whether the newest version of the workflow is one (this one, if it is given)."""
        found = self.newest.get((tenant, key))
        return found is not None and version in (None, found)

    def check_version(self, place: Version) -> None:
        """Raises NewerFormat when this version is one."""
        _raise(self._versions.get(place))

    def check_newest(self, tenant: str, key: str) -> None:
        """Raises NewerFormat when the workflow's newest version is one."""
        if self.newest and (version := self.newest.get((tenant, key))) is not None:
            self.check_version((tenant, key, version))

    def check_started(self, tenant: str, event_type: str) -> None:
        """Raises NewerFormat when events of this type may start one."""
        if self.newest:
            for found in (self._started.find(tenant, event_type), self._by_any.get(tenant, {})):
                for error in found.values():
                    _raise(error)


def _raise(error: NewerFormat | None) -> None:
    """Anew: one that is raised again grows."""
    if error is not None:
        raise NewerFormat(error.what, error.number)
