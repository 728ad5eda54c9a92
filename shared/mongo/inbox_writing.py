"""The `inbox` collection as the in_app channel writes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from shared.model.inbox import InboxItem
from shared.model.inbox_replacements import InboxRemoval, InboxReplacement
from shared.model.notifications import Notification
from shared.model.statuses import Subject
from shared.model.withdrawals import InboxHolders, InboxWithdrawal, Withdrawal
from shared.mongo.bulk import find_by_id, insert_new
from shared.mongo.database import Database
from shared.mongo.erasure import erase_inbox
from shared.mongo.errors import mongo_border
from shared.mongo.inbox_counts import of_life
from shared.mongo.inbox_receipts import open_receipt
from shared.mongo.inbox_replacing import replace_unread
from shared.mongo.inbox_rows import InboxRow, from_row, to_row
from shared.mongo.inbox_withdrawing import count_held, holders, withdraw


class NewInboxRow(NamedTuple):
    """An item, and whose it is."""

    delivery: str
    tenant: str
    user: str
    item: InboxItem
    life: int = 0
    step: str | None = None
    cancellation_key: str | None = None
    cancel_count: int = 0
    receipt: Subject | None = None
    """What the status is about that tells when it reached a socket; None: nobody asked."""
    test: bool = False
    variant: str | None = None
    locale: str | None = None


class InboxRows:
    """The `inbox` collection as the in_app channel writes it. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = database.inbox

    async def insert(self, rows: Sequence[NewInboxRow]) -> dict[str, InboxItem]:
        """Inserts in one bulk, the first insert wins; returns by delivery what was there before."""
        if not rows:
            return {}
        seen = await insert_new(
            self._rows,
            [_document(row) for row in rows],
        )
        return await self.find(rows[position].delivery for position in seen)

    async def find(self, deliveries: Iterable[str]) -> dict[str, InboxItem]:
        """By delivery the items of rows that exist, as they were announced first."""
        rows: dict[str, InboxRow] = await find_by_id(self._rows, deliveries)
        return {delivery: _as_created(from_row(row)) for delivery, row in rows.items()}

    async def first_items(self, notifications: Collection[Notification]) -> dict[str, str]:
        """By notification the delivery whose item has its id; of those that have one."""
        if not notifications:
            return {}
        wanted = [of_life((each.tenant, each.user, each.life)) | {"notification": each.id} for each in notifications]
        with mongo_border():
            found = self._rows.find({"$or": wanted, "own_id": None}, {"notification": 1})
            return {row["notification"]: row["_id"] async for row in found.sort("offset", -1)}

    async def replace(self, replacements: Sequence[InboxReplacement]) -> list[InboxRemoval]:
        """Deletes what is replaced and still unread; returns what these have replaced, now or before, by user."""
        return await replace_unread(self._rows, replacements)

    async def withdraw(self, withdrawals: Sequence[InboxWithdrawal]) -> list[InboxRemoval]:
        """Deletes what is withdrawn, read or not; returns what these have taken out, now or before, by user."""
        return await withdraw(self._rows, withdrawals)

    async def holders(self, tenant: str, what: Withdrawal, after: str) -> InboxHolders:
        """Some of those who have anything of it in their inboxes, from where `after` says."""
        return await holders(self._rows, tenant, what, after)

    async def count_held(self, tenant: str, what: Withdrawal) -> int:
        """How many items of it stand in inboxes, counted up to MAX_COUNTED."""
        return await count_held(self._rows, tenant, what)

    async def erase(self, tenant: str, user: str, life: int) -> None:
        """Erases the rows of the user's lives before `life`; may be repeated."""
        await erase_inbox(self._database, tenant, user, life)


def _document(row: NewInboxRow) -> InboxRow:
    made = to_row(
        row.item,
        delivery=row.delivery,
        tenant=row.tenant,
        user=row.user,
        life=row.life,
        step=row.step,
        cancellation_key=row.cancellation_key,
        cancel_count=row.cancel_count,
        test=row.test,
        variant=row.variant,
        locale=row.locale,
    )
    if row.receipt is not None:
        made["receipt"] = open_receipt(row.tenant, row.user, row.receipt)
    return made


def _as_created(item: InboxItem) -> InboxItem:
    """What happened to the row since is announced on its own."""
    return msgspec.structs.replace(
        item, seen_at=None, read_at=None, archived_at=None, deleted_at=None, snoozed_until=None, updated_at=None
    )
