"""Inbox rows that are withdrawn by their cancellation key, read or not.

A row keeps its key, and the key's counter of when it was accepted: later ones stay. It keeps as well which cancel took
it out, so that whoever repeats this finds it again and tells it again. A digest keeps no key: it has others in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pymongo import UpdateMany

from shared.model.inbox_replacements import InboxRemoval
from shared.model.withdrawals import InboxHolders, InboxWithdrawal, Withdrawal
from shared.mongo.bulk import Rows
from shared.mongo.errors import mongo_border
from shared.mongo.inbox_counts import of_life
from shared.mongo.inbox_replacing import GONE, removed

MAX_HOLDERS: Final = 1_000
"""Rows that are looked at, and users who are told, at once."""
MAX_COUNTED: Final = 10_000


async def withdraw(rows: Rows, withdrawals: Sequence[InboxWithdrawal]) -> list[InboxRemoval]:
    """Deletes what is withdrawn; returns what these have taken out, now or before. Raises MongoUnavailable."""
    if not withdrawals:
        return []
    updates, gone = [], []
    for each in dict.fromkeys(withdrawals):
        there = of_life(each[:3]) | _accepted(each.what) | ({} if each.delivery is None else {"_id": each.delivery})
        updates.append(UpdateMany(there | {"deleted_at": None}, [{"$set": GONE | {"withdrawn": each.what.count}}]))
        # One alone may have been taken out by an earlier cancel, which was not told.
        by = each.what.count if each.delivery is None else {"$gt": 0}
        gone.append(there | {"withdrawn": by})
    return await removed(rows, updates, gone)


async def holders(rows: Rows, tenant: str, what: Withdrawal, after: str) -> InboxHolders:
    """Who has anything of it in the inbox, in the order of the rows' ids, from the one behind `after` on.

    Raises MongoUnavailable.
    """
    users: dict[tuple[str, int], None] = {}
    last, count = "", 0
    with mongo_border():
        there = {"tenant": tenant, "_id": {"$gt": after}} | _accepted(what) | {"deleted_at": None}
        async for row in rows.find(there, {"user": 1, "life": 1}).sort("_id", 1).limit(MAX_HOLDERS):
            users[row["user"], row["life"] or 0] = None
            last, count = row["_id"], count + 1
    return InboxHolders(tuple(users), last if count == MAX_HOLDERS else None)


async def count_held(rows: Rows, tenant: str, what: Withdrawal) -> int:
    """How many items of it stand in inboxes, counted up to MAX_COUNTED. Raises MongoUnavailable."""
    with mongo_border():
        there = {"tenant": tenant} | _accepted(what) | {"deleted_at": None}
        return int(await rows.count_documents(there, limit=MAX_COUNTED))


def _accepted(what: Withdrawal) -> dict[str, object]:
    return {"cancellation_key": what.cancellation_key, "cancel_count": {"$lt": what.count}}
