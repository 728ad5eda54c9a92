"""The indexes of every collection, and how long its rows are kept."""

from __future__ import annotations

from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

DAY: Final = 86_400
TIMELINE_DAYS: Final = 90


def _expiring(days: int) -> IndexModel:
    return IndexModel([("created_at", ASCENDING)], expireAfterSeconds=days * DAY)


def guarding(days: int) -> dict[str, IndexModel]:
    """Of each collection whose rows guard against replays, how long they are kept.

    Keys of repeated calls are kept a day longer than what they began, which is decided some time after it was accepted: a
    key that is free again never meets a decision of its first use.
    """
    kept = {collection: _expiring(days) for collection in ("expansions", "decisions", "deliveries")}
    return kept | {"requests": _expiring(days + 1)}


INDEXES: Final[dict[str, list[IndexModel]]] = {
    "profiles": [
        IndexModel(
            [("tenant", ASCENDING), ("address_ids", ASCENDING)],
            partialFilterExpression={"address_ids": {"$exists": True}},
        )
    ],
    "workflows": [IndexModel([("tenant", ASCENDING), ("key", ASCENDING), ("version", DESCENDING)], unique=True)],
    "decisions": [
        IndexModel([("notification", ASCENDING)]),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING)]),
    ],
    "deliveries": [IndexModel([("notification", ASCENDING)])],
    "holds": [
        IndexModel([("due", ASCENDING), ("lease", ASCENDING)]),
        IndexModel([("token", ASCENDING)], sparse=True),
        IndexModel([("tenant", ASCENDING), ("cancellation_key", ASCENDING)]),
        IndexModel([("notification", ASCENDING)]),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING)]),
    ],
    "inbox": [
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("offset", DESCENDING)]),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("changed_at", DESCENDING)]),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("notification", ASCENDING)]),
    ],
    "cancellations": [],
    "timeline": [
        IndexModel([("tenant", ASCENDING), ("notification", ASCENDING), ("at", ASCENDING)]),
        IndexModel(
            [("tenant", ASCENDING), ("data.event_id", ASCENDING)],
            partialFilterExpression={"data.event_id": {"$exists": True}},
        ),
        _expiring(TIMELINE_DAYS),
    ],
    "outbox": [IndexModel([("lease", ASCENDING), ("_id", ASCENDING)]), IndexModel([("token", ASCENDING)], sparse=True)],
    "api_keys": [],
    "meta": [],
}
"""Beside those of `guarding`."""
