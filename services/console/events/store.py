"""What became of an event, read from MongoDB by its tenant: one bounded query per collection, all at once."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from services.console.events.core.event_report import EventReport, build_report
from services.console.events.core.why_not import WhyNot, started_workflows, why_not
from services.console.timeline.core.why import why
from services.console.timeline.store import read_timeline
from shared.model import ids
from shared.model.fanouts import FanoutState
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

MAX_NOTIFICATIONS: Final = 1_000
MAX_STATUSES: Final = 20
MAX_WORKFLOWS: Final = 100
MAX_FANOUTS: Final = 100
FANOUT_STATUSES: Final = ["carillon.fanout.started", *(f"carillon.fanout.{state}" for state in FanoutState)]
"""They name the event as well, and are of no notification."""
_PROGRESS: Final = {"template": 0, "listed": 0, "where": 0}
"""Of a fan-out's row all but what it sends, and to whom."""


async def read_event(database: Database, tenant: str, event: str) -> EventReport | None:
    """What became of an event; None when it is unknown or another tenant's. Raises MongoUnavailable."""
    with mongo_border():
        row, statuses, notifications, fanouts = await asyncio.gather(
            database.expansions.find_one({"_id": event, "tenant": tenant}),
            _own_statuses(database, tenant, event),
            _notifications(database, tenant, event),
            database.fanouts.find({"tenant": tenant, "event": event}, _PROGRESS).to_list(MAX_FANOUTS),
        )
    return build_report(event, tenant, row=row, statuses=statuses, notifications=notifications, fanouts=fanouts)


async def read_why_not(database: Database, tenant: str, user: str, event: str) -> WhyNot | None:
    """Why the user did not get something of an event; None when the event is unknown. Raises MongoUnavailable."""
    report = await read_event(database, tenant, event)
    if report is None:
        return None
    workflows = started_workflows(report)[:MAX_WORKFLOWS]
    timelines = await asyncio.gather(
        *(read_timeline(database, tenant, ids.notification_id(event, key, user)) for key in workflows)
    )
    found = {key: why(one) for key, one in zip(workflows, timelines, strict=True) if one is not None}
    return why_not(report, user, found)


async def _own_statuses(database: Database, tenant: str, event: str) -> list[dict[str, Any]]:
    """The event's newest statuses of its own, by time."""
    query = {
        "tenant": tenant,
        "notification": event,
        "type": {"$in": ["carillon.event.expanded", "carillon.event.not_expanded"]},
    }
    found = await database.timeline.find(query).sort("at", -1).to_list(MAX_STATUSES)
    return found[::-1]


async def _notifications(database: Database, tenant: str, event: str) -> list[dict[str, Any]]:
    """The notifications of an event, by user, each with user, workflow and the type of its last status."""
    stages: list[dict[str, Any]] = [
        {"$match": {"tenant": tenant, "data.event_id": event, "type": {"$nin": FANOUT_STATUSES}}},
        {"$sort": {"at": 1}},
        {
            "$group": {
                "_id": "$notification",
                "user": {"$first": "$user"},
                "workflow": {"$first": "$data.workflow"},
                "event_type": {"$first": "$data.event_type"},
                "type": {"$last": "$type"},
            }
        },
        {"$limit": MAX_NOTIFICATIONS},
    ]
    found = await database.timeline.aggregate(stages).to_list(MAX_NOTIFICATIONS)
    return sorted(found, key=lambda row: str(row["user"]))
