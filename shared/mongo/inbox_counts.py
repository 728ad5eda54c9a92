"""How many items of an inbox are unread and unseen, of several inboxes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from shared.mongo.bulk import Rows
from shared.mongo.inbox_rows import UNREAD, stored_life

InboxLife = tuple[str, str, int]
"""Whose inbox: the tenant, the user, and their life."""


def _none_of(*fields: str) -> list[dict[str, object]]:
    return [{"$eq": [{"$ifNull": [f"${name}", None]}, None]} for name in fields]


_SHOWN: Final[list[dict[str, object]]] = [
    *_none_of(*UNREAD, "deleted_at"),
    {"$not": [{"$gt": ["$snoozed_until", "$$NOW"]}]},
    {"$gt": [{"$ifNull": ["$expires_at", {"$add": ["$$NOW", 1]}]}, "$$NOW"]},
]
"""What is unread at this moment."""


async def count_inboxes(rows: Rows, owners: Sequence[InboxLife]) -> dict[InboxLife, tuple[int, int, int]]:
    """Of each that has a row: how many are unread, the largest offset of all, and how many of the unread are unseen.

    Raises what pymongo raises.
    """
    if not owners:
        return {}
    pipeline: list[dict[str, object]] = [
        {"$match": {"$or": [of_life(owner) for owner in owners]}},
        {
            "$group": {
                "_id": {"tenant": "$tenant", "user": "$user", "life": {"$ifNull": ["$life", 0]}},
                "unread": {"$sum": {"$cond": [{"$and": _SHOWN}, 1, 0]}},
                "unseen": {"$sum": {"$cond": [{"$and": [*_SHOWN, *_none_of("seen_at")]}, 1, 0]}},
                "end": {"$max": "$offset"},
            }
        },
    ]
    found = rows.aggregate(pipeline)
    return {life_of(row["_id"]): (row["unread"], row["end"], row["unseen"]) async for row in found}


def of_life(owner: InboxLife) -> dict[str, object]:
    """The filter of an inbox's rows."""
    tenant, user, life = owner
    return {"tenant": tenant, "user": user, "life": stored_life(life)}


def life_of(row: Mapping[str, object]) -> InboxLife:
    """Whose a row is."""
    life = row.get("life")
    return str(row["tenant"]), str(row["user"]), life if isinstance(life, int) else 0
