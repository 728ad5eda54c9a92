"""The indexes of every collection, and how long its rows are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from shared.model.dead_letters import DeadLetterState
from shared.model.holds import Cause

DAY: Final = 86_400
GUARD_DAYS: Final = 35
LEAST_GUARD_DAYS: Final = 15
"""What guards against replays outlives every topic it guards (14 days at most)."""
TIMELINE_DAYS: Final = 90
AUDIT_DAYS: Final = 400
ROLLUP_MINUTE_DAYS: Final = 2
ROLLUP_HOUR_DAYS: Final = 90
ROLLUP_DAY_DAYS: Final = 1096
"""Of these, minutes and hours at least: from minutes hours are counted anew, from hours days."""


@dataclass(frozen=True, kw_only=True)
class Retention:
    """For how many days rows are kept whose keeping is the operator's choice."""

    guards: int = GUARD_DAYS
    """What guards against replays and repeated calls: decisions, deliveries, dead letters, expansions, Idempotency-Keys."""
    inbox: int = 365
    cancellations: int = 400
    rollup_minutes: int = ROLLUP_MINUTE_DAYS
    rollup_hours: int = ROLLUP_HOUR_DAYS
    rollup_days: int = ROLLUP_DAY_DAYS


LONGEST_WAIT_DAYS: Final = 400
"""No notification waits longer (366 days to its time, then 30 until it expires): so long it can be cancelled."""


def _expiring(days: int, field: str = "created_at") -> IndexModel:
    return IndexModel([(field, ASCENDING)], expireAfterSeconds=days * DAY)


def _until() -> IndexModel:
    """Rows that say themselves how long they are kept."""
    return IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)


def _of_user() -> IndexModel:
    return IndexModel([("tenant", ASCENDING), ("user", ASCENDING)])


def _waiting_for_senders() -> list[IndexModel]:
    """Of deliveries of `pull`, while they have that member: what may be taken, what is to be looked at, whose it is."""
    in_order = [("pull.rank", DESCENDING), ("pull.accepted_at", ASCENDING)]
    ready: dict[str, object] = {"partialFilterExpression": {"pull.ready": True}}
    there: dict[str, object] = {"partialFilterExpression": {"pull.look": {"$exists": True}}}
    whose: dict[str, object] = {"partialFilterExpression": {"pull.life": {"$exists": True}}}
    return [
        IndexModel([("tenant", ASCENDING), *in_order], **ready),
        IndexModel([("tenant", ASCENDING), ("pull.workflow", ASCENDING), *in_order], **ready),
        IndexModel([("pull.look", ASCENDING)], **there),
        IndexModel([("taken.token", ASCENDING)], **there),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("pull.life", ASCENDING)], **whose),
    ]


def _inbox_times() -> list[IndexModel]:
    """Of inbox rows: when time changes them next, and what of that was not told."""
    fields = {name: {name: {"$exists": True}, "deleted_at": None} for name in ("expires_at", "snoozed_until")}
    due = [IndexModel([(name, ASCENDING)], partialFilterExpression=where) for name, where in fields.items()]
    return [*due, IndexModel([("lease", ASCENDING)], partialFilterExpression={"untold": {"$exists": True}})]


def indexes(retention: Retention) -> dict[str, list[IndexModel]]:
    """All of them, under the names that MongoDB gives them."""
    chosen = {
        "inbox": _expiring(retention.inbox),
        "cancellations": _expiring(retention.cancellations, "changed_at"),
        **{
            name: _expiring(retention.guards)
            for name in ("expansions", "decisions", "deliveries", "fanouts", "dead_letters", "redrives")
        },
        # A day longer than what they began, which is decided some time after it was accepted: a key that is free again
        # never meets a decision of its first use.
        "requests": _expiring(retention.guards + 1),
        "rollup_minutes": _expiring(retention.rollup_minutes, "start"),
        "rollup_hours": _expiring(retention.rollup_hours, "start"),
        "rollup_days": _expiring(retention.rollup_days, "start"),
    }
    return {name: [*always, *([chosen[name]] if name in chosen else [])] for name, always in INDEXES.items()}


INDEXES: Final[dict[str, list[IndexModel]]] = {
    "profiles": [
        IndexModel(
            [("tenant", ASCENDING), (name, ASCENDING)],
            partialFilterExpression={name: {"$exists": True}},
        )
        for name in ("address_ids", "device_ids")
    ],
    "suppressions": [
        IndexModel([("tenant", ASCENDING), ("address", ASCENDING)]),
        IndexModel([("tenant", ASCENDING), ("reason", ASCENDING), ("created_at", ASCENDING), ("by", ASCENDING)]),
    ],
    "workflows": [IndexModel([("tenant", ASCENDING), ("key", ASCENDING), ("version", DESCENDING)], unique=True)],
    "expansions": [],
    "subscriptions": [IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("topic", ASCENDING)])],
    "fanouts": [
        IndexModel([("tenant", ASCENDING), ("created_at", DESCENDING)]),
        IndexModel([("event", ASCENDING)]),
    ],
    "requests": [],
    "decisions": [
        IndexModel([("notification", ASCENDING)]),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING)]),
    ],
    "deliveries": [
        IndexModel([("notification", ASCENDING)]),
        *_waiting_for_senders(),
    ],
    "holds": [
        IndexModel([("due", ASCENDING), ("lease", ASCENDING)]),
        IndexModel([("tenant", ASCENDING), ("due", ASCENDING)]),
        IndexModel([("token", ASCENDING)], sparse=True),
        IndexModel([("tenant", ASCENDING), ("cancellation_key", ASCENDING)]),
        IndexModel([("notification", ASCENDING)]),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("_id", ASCENDING)]),
        IndexModel(
            [("account", ASCENDING), ("rank", DESCENDING), ("accepted_at", ASCENDING)],
            partialFilterExpression={"account": {"$exists": True}},
        ),
        IndexModel([("tenant", ASCENDING), ("_id", ASCENDING)], partialFilterExpression={"cause": Cause.STOPPED.value}),
    ],
    "tenants": [],
    "provider_accounts": [
        IndexModel([("channel", ASCENDING), ("look", ASCENDING)]),
        IndexModel(
            [("updated_at", ASCENDING)],
            expireAfterSeconds=GUARD_DAYS * DAY,
            partialFilterExpression={"state": "closed"},
        ),
    ],
    "inbox": [
        *_inbox_times(),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("offset", DESCENDING)]),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("changed_at", DESCENDING)]),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("notification", ASCENDING)]),
        IndexModel(
            [("tenant", ASCENDING), ("cancellation_key", ASCENDING), ("_id", ASCENDING)],
            partialFilterExpression={"cancellation_key": {"$exists": True}},
        ),
        IndexModel(
            [("tenant", ASCENDING), ("read_at", ASCENDING)], partialFilterExpression={"receipt": {"$exists": True}}
        ),
        IndexModel([("receipt.open", ASCENDING)], sparse=True),
        IndexModel([("receipt.by", ASCENDING)], sparse=True),
    ],
    "cancellations": [],
    **{name: [_of_user(), _until()] for name in ("counters", "digests", "collapses", "runs")},
    "digest_members": [_of_user(), _until(), IndexModel([("digest", ASCENDING), ("number", ASCENDING)])],
    "timeline": [
        IndexModel([("tenant", ASCENDING), ("notification", ASCENDING), ("at", ASCENDING)]),
        IndexModel(
            [("tenant", ASCENDING), ("data.event_id", ASCENDING)],
            partialFilterExpression={"data.event_id": {"$exists": True}},
        ),
        IndexModel([("tenant", ASCENDING), ("at", ASCENDING)]),
        _expiring(TIMELINE_DAYS),
    ],
    "delivery_states": [
        IndexModel([("tenant", ASCENDING), ("accepted_at", DESCENDING), ("_id", DESCENDING)]),
        IndexModel([("tenant", ASCENDING), ("state", ASCENDING), ("accepted_at", DESCENDING), ("_id", DESCENDING)]),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("accepted_at", DESCENDING)]),
        IndexModel(
            [("tenant", ASCENDING), ("subject", ASCENDING), ("accepted_at", DESCENDING)],
            partialFilterExpression={"subject": {"$exists": True}},
        ),
        IndexModel([("kept_until", ASCENDING)], expireAfterSeconds=0),
    ],
    **{
        name: [IndexModel([("tenant", ASCENDING), ("start", ASCENDING)])]
        for name in ("rollup_minutes", "rollup_hours", "rollup_days")
    },
    "rollup_marks": [
        IndexModel([("marked_at", ASCENDING)]),
        IndexModel([("tenant", ASCENDING), ("start", ASCENDING)]),
    ],
    "status_endpoints": [IndexModel([("tenant", ASCENDING), ("endpoint", ASCENDING)])],
    "dead_letters": [
        IndexModel([("tenant", ASCENDING), ("at", ASCENDING), ("_id", ASCENDING)]),
        _of_user(),
        IndexModel([("state", ASCENDING)], partialFilterExpression={"state": DeadLetterState.REDRIVING.value}),
    ],
    "redrives": [
        IndexModel([("tenant", ASCENDING), ("created_at", DESCENDING)]),
        IndexModel([("state", ASCENDING)], partialFilterExpression={"state": "running"}),
    ],
    "audit": [
        IndexModel([("tenant", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)]),
        _expiring(AUDIT_DAYS, "at"),
    ],
    "schedules": [
        IndexModel([("next", ASCENDING)], partialFilterExpression={"next": {"$exists": True}}),
        IndexModel([("token", ASCENDING)], sparse=True),
        IndexModel([("tenant", ASCENDING), ("schedule", ASCENDING)]),
    ],
    "outbox": [IndexModel([("lease", ASCENDING), ("_id", ASCENDING)]), IndexModel([("token", ASCENDING)], sparse=True)],
    # A row whose last lease is over says nothing any more.
    "presence": [IndexModel([("until", ASCENDING)], expireAfterSeconds=60)],
    "socket_leases": [
        IndexModel([("until", ASCENDING)], expireAfterSeconds=60),
        IndexModel([("tenant", ASCENDING)]),
        IndexModel([("process", ASCENDING)]),
    ],
    "tickets": [IndexModel([("until", ASCENDING)], expireAfterSeconds=60)],
    "api_keys": [],
    "meta": [],
}
"""Beside those that `Retention` says how long."""
