"""Inbox rows that give way to newer ones: deleted as their users would, while they are unread, or named.

The row keeps what replaced it, so that whoever repeats this finds it again and tells it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from pymongo import UpdateMany

from shared.model.inbox import InboxItem
from shared.model.inbox_replacements import InboxRemoval, InboxReplacement
from shared.mongo.bulk import Rows
from shared.mongo.errors import mongo_border
from shared.mongo.inbox_rows import UNREAD, WITHOUT_CONTENT, state_of_row, stored_life

ALONE: Final = {"digest_count": None}
"""A digest has others in it, which nothing has replaced."""
_Life = tuple[str, str, int]
GONE: Final = {"deleted_at": "$$NOW", "changed_at": "$$NOW"}


async def replace_unread(rows: Rows, replacements: Sequence[InboxReplacement]) -> list[InboxRemoval]:
    """Deletes what is replaced and unread, or named; returns what these notifications have replaced, now or before.

    What is read, and not named, archived or deleted by then stays as it is, and so does a digest. Raises
    MongoUnavailable.
    """
    if not replacements:
        return []
    wanted = {each: own(each[:3]) | {"notification": each.replaces} for each in replacements}
    updates = [
        UpdateMany(
            where | _gives_way(each) | ALONE | {"deleted_at": None},
            [{"$set": GONE | {"replaced_by": {"$literal": each.notification}}}],
        )
        for each, where in wanted.items()
    ]
    return await removed(rows, updates, [where | {"replaced_by": each.notification} for each, where in wanted.items()])


def _gives_way(each: InboxReplacement) -> dict[str, object]:
    return {"archived_at": None, "test": True if each.test else None} if each.named else UNREAD


async def removed(
    rows: Rows, updates: Sequence[UpdateMany], gone: Sequence[Mapping[str, object]]
) -> list[InboxRemoval]:
    """Carries the updates out; then what is `gone`, by inbox, with the counts of that moment. Raises MongoUnavailable."""
    found: dict[_Life, list[tuple[InboxItem, str | None]]] = defaultdict(list)
    with mongo_border():
        await rows.bulk_write(updates, ordered=False)
        async for row in rows.find({"$or": gone}, WITHOUT_CONTENT).sort("offset", 1):
            found[_owner(row)].append((state_of_row(row), row.get("replaced_by")))
        counts = await _counts(rows, list(found)) if found else {}
    return [InboxRemoval(*owner, tuple(items), *counts[owner]) for owner, items in found.items()]


async def _counts(rows: Rows, owners: Sequence[_Life]) -> dict[_Life, tuple[int, int, int]]:
    """Of each inbox that has a row: how many are unread, the largest offset of all, and how many of the unread are unseen."""
    unread, unseen = (
        {"$and": [{"$eq": [{"$ifNull": [f"${name}", None]}, None]} for name in names]}
        for names in ((*UNREAD, "deleted_at"), (*UNREAD, "deleted_at", "seen_at"))
    )
    pipeline: list[dict[str, object]] = [
        {"$match": {"$or": [own(owner) for owner in owners]}},
        {
            "$group": {
                "_id": {"tenant": "$tenant", "user": "$user", "life": {"$ifNull": ["$life", 0]}},
                "unread": {"$sum": {"$cond": [unread, 1, 0]}},
                "unseen": {"$sum": {"$cond": [unseen, 1, 0]}},
                "end": {"$max": "$offset"},
            }
        },
    ]
    found = rows.aggregate(pipeline)
    return {_owner(row["_id"]): (row["unread"], row["end"], row["unseen"]) async for row in found}


def own(owner: _Life) -> dict[str, object]:
    """The rows of one inbox."""
    tenant, user, life = owner
    return {"tenant": tenant, "user": user, "life": stored_life(life)}


def _owner(row: Mapping[str, object]) -> _Life:
    life = row.get("life")
    return str(row["tenant"]), str(row["user"]), life if isinstance(life, int) else 0
