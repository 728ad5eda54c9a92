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
from shared.mongo.inbox_counts import InboxLife, count_inboxes, life_of, of_life
from shared.mongo.inbox_rows import UNREAD, WITHOUT_CONTENT, state_of_row

ALONE: Final = {"digest_count": None}
"""A digest has others in it, which nothing has replaced."""
GONE: Final = {"deleted_at": "$$NOW", "changed_at": "$$NOW"}


async def replace_unread(rows: Rows, replacements: Sequence[InboxReplacement]) -> list[InboxRemoval]:
    """Deletes what is replaced and unread, or named; returns what these notifications have replaced, now or before.

    What is read, and not named, archived or deleted by then stays as it is, and so does a digest. Raises
    MongoUnavailable.
    """
    if not replacements:
        return []
    wanted = {each: of_life(each[:3]) | {"notification": each.replaces} for each in replacements}
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
    found: dict[InboxLife, list[tuple[InboxItem, str | None]]] = defaultdict(list)
    with mongo_border():
        await rows.bulk_write(updates, ordered=False)
        async for row in rows.find({"$or": gone}, WITHOUT_CONTENT).sort("offset", 1):
            found[life_of(row)].append((state_of_row(row), row.get("replaced_by")))
        counts = await count_inboxes(rows, list(found))
    return [InboxRemoval(*owner, tuple(items), *counts[owner]) for owner, items in found.items()]
