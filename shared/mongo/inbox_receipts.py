"""Receipts in inbox rows. A row without `receipt` is of a workflow that does not ask for one.

`receipt` has the delivery's `generation` and `pass`, and: `open`, its user key, until the item reached a socket;
then `by`, the batch that marked it, until the status is durable. What has neither is told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, NotRequired, TypedDict

from shared.model import ids
from shared.model.inbox_receipts import CaughtUp, InboxOwner, ReachedItem
from shared.model.statuses import Subject
from shared.model.timestamps import from_datetime
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

MAX_OPEN: Final = 5_000
"""Rows that are looked at for what clients have had, of one batch: the rest is told when they come again."""
_READ: Final = dict.fromkeys(
    ("tenant", "user", "notification", "workflow", "step", "receipt", "delivered_at", "variant", "locale"), 1
)


RowReceipt = TypedDict("RowReceipt", {"generation": int, "pass": int, "open": str, "by": str}, total=False)


class ReceiptRow(TypedDict):
    """What is read of a row; `receipt` is all of it, or its `open` alone."""

    _id: str
    tenant: str
    user: str
    notification: str
    workflow: str
    step: NotRequired[str]
    variant: NotRequired[str]
    locale: NotRequired[str]
    life: int | None
    offset: int
    receipt: RowReceipt
    delivered_at: datetime


def open_receipt(tenant: str, user: str, about: Subject) -> dict[str, object]:
    """The `receipt` of a new row."""
    return {
        "generation": about.generation,
        "pass": about.pass_,
        "open": ids.user_key(tenant, user).decode(),
    }


class InboxReceipts:
    """The ReceiptRows of one database."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.inbox

    async def reach(
        self, batch: str, queued: Mapping[str, str], caught_up: Mapping[InboxOwner, CaughtUp]
    ) -> list[ReachedItem]:
        """As ReceiptRows says."""
        with mongo_border():
            deliveries = [*queued, *(await self._had(caught_up) if caught_up else ())]
            if not deliveries:
                return []
            owners = sorted({*queued.values(), *(inbox.user_key for inbox in caught_up)})
            await self._rows.update_many(
                {"_id": {"$in": deliveries}, "receipt.open": {"$in": owners}},
                [{"$set": {"delivered_at": "$$NOW", "receipt.by": batch}}, {"$unset": "receipt.open"}],
            )
            # Also what an earlier try marked, whose rows are not among `deliveries` any more.
            return [_reached(row) async for row in self._rows.find({"receipt.by": batch}, _READ)]

    async def done(self, deliveries: Collection[str]) -> None:
        """As ReceiptRows says."""
        with mongo_border():
            await self._rows.update_many({"_id": {"$in": list(deliveries)}}, {"$unset": {"receipt.by": 1}})

    async def undone(self, seconds: float, most: int) -> list[ReachedItem]:
        """As ReceiptRows says."""
        ago = {"$lt": ["$delivered_at", {"$subtract": ["$$NOW", round(seconds * 1000)]}]}
        with mongo_border():
            found = self._rows.find({"receipt.by": {"$exists": True}, "$expr": ago}, _READ)
            return [_reached(row) async for row in found.limit(most)]

    async def _had(self, caught_up: Mapping[InboxOwner, CaughtUp]) -> list[str]:
        """The deliveries of open rows that the clients have had, and could have seen."""
        where = {
            "receipt.open": {"$in": sorted({inbox.user_key for inbox in caught_up})},
            "deleted_at": None,
            "$expr": {"$gte": [{"$ifNull": ["$expires_at", "$$NOW"]}, "$$NOW"]},
        }
        found = self._rows.find(where, {"receipt.open": 1, "life": 1, "offset": 1}).limit(MAX_OPEN)
        return [row["_id"] async for row in found if _has(caught_up, row)]


def _has(caught_up: Mapping[InboxOwner, CaughtUp], row: ReceiptRow) -> bool:
    has = caught_up.get(InboxOwner(row["receipt"]["open"], row["life"] or 0))
    return has is not None and (row["offset"] <= has.since or row["offset"] in has.others)


def _reached(row: ReceiptRow) -> ReachedItem:
    about = row["receipt"]
    return ReachedItem(
        subject=Subject(row["_id"], about["generation"], about["pass"]),
        tenant=row["tenant"],
        user=row["user"],
        notification=row["notification"],
        workflow=row["workflow"],
        step=row.get("step"),
        at=from_datetime(row["delivered_at"]),
        variant=row.get("variant"),
        locale=row.get("locale"),
    )
