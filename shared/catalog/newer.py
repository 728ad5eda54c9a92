"""Workflows that only a newer version of Carillon can read: what they might concern waits for one."""

from __future__ import annotations

import structlog

from shared.catalog.rows import WorkflowRow, starts_on
from shared.model.formats import NewerFormat

log = structlog.get_logger()


class NewerWorkflows:
    """Those that were found in one look at what is published; empty, it costs nothing."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, str, int], NewerFormat] = {}
        self._newest: dict[tuple[str, str], NewerFormat] = {}
        self._by_type: dict[tuple[str, str], dict[str, NewerFormat]] = {}
        """By tenant and event type, then by key."""
        self._by_any: dict[str, dict[str, NewerFormat]] = {}
        """By tenant, then by key: what starts them is not readable either."""

    def add(self, row: WorkflowRow, error: NewerFormat) -> None:
        """One version, whether the newest or not."""
        log.error("newer_workflow", id=row["_id"], format=error.number, next="update this service")
        self._versions[row["tenant"], row["key"], row["version"]] = error

    def add_newest(self, row: WorkflowRow, error: NewerFormat) -> None:
        """The newest version so far; rows come in the order of versions."""
        tenant, key = row["tenant"], row["key"]
        self.add(row, error)
        self.replaced(row)
        self._newest[tenant, key] = error
        types = starts_on(row)
        if types is None:
            self._by_any.setdefault(tenant, {})[key] = error
        for each in types or ():
            self._by_type.setdefault((tenant, each), {})[key] = error

    def replaced(self, row: WorkflowRow) -> None:
        """A later version of the same workflow is there: what starts it is what that one says."""
        tenant, key = row["tenant"], row["key"]
        if self._newest.pop((tenant, key), None) is not None:
            for found in (*self._by_type.values(), *self._by_any.values()):
                found.pop(key, None)

    def check_version(self, tenant: str, key: str, version: int) -> None:
        """Raises NewerFormat when this version of the workflow is one."""
        if (error := self._versions.get((tenant, key, version))) is not None:
            raise NewerFormat(error.what, error.number)

    def check_newest(self, tenant: str, key: str) -> None:
        """Raises NewerFormat when the workflow's newest version is one."""
        if (error := self._newest.get((tenant, key))) is not None:
            raise NewerFormat(error.what, error.number)

    def check_started(self, tenant: str, event_type: str) -> None:
        """Raises NewerFormat when events of this type may start one."""
        if self._newest:
            for found in (self._by_type.get((tenant, event_type)), self._by_any.get(tenant)):
                for error in (found or {}).values():
                    raise NewerFormat(error.what, error.number)
