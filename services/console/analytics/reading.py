"""Rollups grouped as they are asked for, by MongoDB: every query carries the tenant."""

from __future__ import annotations

from typing import Any, Final

from services.console.analytics.core.asked import AskedRollups
from services.console.analytics.core.report import Grouped
from services.console.analytics.rollups import COLLECTIONS
from shared.model.errors import Invalid
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

MAX_GROUPS: Final = 10_000
"""Groups, channels and outcomes of one answer."""


async def read_rollups(database: Database, asked: AskedRollups) -> tuple[list[Grouped], int]:
    """The groups, and how many of their statuses are folded. Raises Invalid when there are too many; MongoUnavailable."""
    rows = database[COLLECTIONS[asked.step]]
    between = {"$gte": to_datetime(asked.start), "$lt": to_datetime(asked.end)}
    match: dict[str, Any] = {"$match": {"tenant": asked.tenant, "start": between}}
    group = {f"by{number}": f"$series.{name}" for number, name in enumerate(asked.by)}
    group |= {"channel": "$series.channel", "outcome": "$series.outcome"}
    stages: list[dict[str, Any]] = [
        match,
        {"$unwind": "$series"},
        {"$match": {f"series.{name}": {"$eq": value} for name, value in asked.only.items()}},
        {"$group": {"_id": group | ({"start": "$start"} if asked.split else {}), "n": {"$sum": "$series.n"}}},
        {"$limit": MAX_GROUPS + 1},
    ]
    with mongo_border():
        found = [row async for row in rows.aggregate(stages)]
        folded = [row async for row in rows.aggregate([match, {"$group": {"_id": None, "n": {"$sum": "$folded"}}}])]
    if len(found) > MAX_GROUPS:
        raise Invalid("invalid_filter", f"that is more than {MAX_GROUPS} groups; ask for less, or filter", "/by")
    return [_grouped(row, asked) for row in found], sum(int(row["n"]) for row in folded)


def _grouped(row: dict[str, Any], asked: AskedRollups) -> Grouped:
    about = row["_id"]
    return Grouped(
        start=from_datetime(about["start"]) if asked.split else None,
        key=tuple(about.get(f"by{number}") for number in range(len(asked.by))),
        channel=about.get("channel"),
        outcome=about["outcome"],
        number=int(row["n"]),
    )
