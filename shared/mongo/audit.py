"""The `audit` collection: the first insert wins, so that what is written again after a crash is one entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypedDict
from uuid import uuid4

from shared.model.audit import AuditAction, AuditEntry
from shared.model.timestamps import to_datetime
from shared.mongo.bulk import Rows, insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms


class AuditRow(TypedDict):
    """One deed."""

    _id: str
    tenant: str
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, str | int | bool | None]


class AuditPlace(NamedTuple):
    """Where a page ends."""

    at: datetime
    id: str


class AuditLog:
    """The `audit` collection. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.audit

    async def write(self, entries: Sequence[AuditEntry]) -> None:
        """Stores them in one bulk; those that are there stay as they are."""
        if entries:
            await insert_new(self._rows, [_row(entry) for entry in entries])

    async def page(
        self, tenant: str, *, action: str | None, since: datetime | None, after: AuditPlace | None, most: int
    ) -> list[AuditRow]:
        """The tenant's newest, behind `after`."""
        query: dict[str, object] = {"tenant": tenant}
        if action is not None:
            query["action"] = action
        if since is not None:
            query["at"] = {"$gte": since}
        if after is not None:
            behind = {"$or": [{"at": {"$lt": after.at}}, {"at": after.at, "_id": {"$lt": after.id}}]}
            query = {"$and": [query, behind]}
        with mongo_border():
            return await self._rows.find(query).sort([("at", -1), ("_id", -1)]).limit(most).to_list(most)


async def note(
    database: Database,
    action: AuditAction,
    *,
    tenant: str,
    actor: str,
    subject: str,
    **details: str | int | bool | None,
) -> None:
    """Stores a deed that was done just now; told twice, it is two. Raises MongoUnavailable."""
    entry = AuditEntry(
        id=str(uuid4()),
        tenant=tenant,
        at=now_ms(),
        actor=actor,
        action=action,
        subject=subject,
        details={name: value for name, value in details.items() if value is not None},
    )
    await AuditLog(database).write([entry])


def _row(entry: AuditEntry) -> AuditRow:
    return {
        "_id": entry.id,
        "tenant": entry.tenant,
        "at": to_datetime(entry.at),
        "actor": entry.actor,
        "action": entry.action.value,
        "subject": entry.subject,
        "details": entry.details,
    }
