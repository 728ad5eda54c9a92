"""Statuses counted where they are stored: in the timeline, of one tenant, by MongoDB."""

from __future__ import annotations

from typing import Any, Final

from services.console.analytics.core.buckets import RollupPlace, RollupStep
from services.console.analytics.core.outcomes import AREAS
from services.console.analytics.core.rollup import Rollup, rolled_up
from services.console.analytics.core.series import series_of
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

COUNTED: Final = f"^carillon\\.({'|'.join(AREAS)})\\."
_OF_ITEMS: Final = "$data.items.channel"
_FACTS: Final[dict[str, Any]] = {
    "type": "$type",
    "pass": {"$cond": [{"$gt": ["$data.pass", 0]}, 1, 0]},
    "channel": {
        "$ifNull": [
            "$data.channel",
            # What `decide` says of one delivery names the channel in its items, which are all of that one.
            {
                "$cond": [
                    {"$and": [{"$isArray": _OF_ITEMS}, {"$regexMatch": {"input": "$type", "regex": r"\.delivery\."}}]},
                    {"$first": _OF_ITEMS},
                    None,
                ]
            },
        ]
    },
    **{name: f"$data.{name}" for name in ("workflow", "provider", "variant", "locale")},
}


async def count_statuses(database: Database, step: RollupStep, place: RollupPlace) -> Rollup:
    """What is stored of a minute, hour or day, by the times of the statuses. Raises MongoUnavailable."""
    stages: list[dict[str, Any]] = [
        {"$match": _between(place.tenant, place.start, place.start + step.length)},
        {"$group": {"_id": _FACTS, "n": {"$sum": 1}}},
    ]
    with mongo_border():
        counted = [(series_of(row["_id"]), int(row["n"])) async for row in database.timeline.aggregate(stages)]
    return rolled_up(counted)


async def starts_of_statuses(
    database: Database, tenant: str, start: int, end: int, step: RollupStep
) -> list[RollupPlace]:
    """The minutes or hours of which any status is stored; `end` is not included. Raises MongoUnavailable."""
    trunc = {"$dateTrunc": {"date": "$at", "unit": step.value}}
    stages: list[dict[str, Any]] = [{"$match": _between(tenant, start, end)}, {"$group": {"_id": trunc}}]
    with mongo_border():
        return [RollupPlace(tenant, from_datetime(row["_id"])) async for row in database.timeline.aggregate(stages)]


def _between(tenant: str, start: int, end: int) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "at": {"$gte": to_datetime(start), "$lt": to_datetime(end)},
        "type": {"$regex": COUNTED},
    }
