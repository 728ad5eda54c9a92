"""What became of one event: which workflows it started, whom each found, and why nobody else was notified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from services.console.events.core.started import StartedNotification
from services.console.timeline.core.rows import StoredRow
from shared.model.expansion import EventState, PartOutcome
from shared.model.reasons import EventReason
from shared.model.timestamps import from_datetime, rfc3339


class LeftOutEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a recipient was left out; `pointer` leads to it in the event."""

    reason: str
    detail: str
    pointer: str | None = None


class WorkflowEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One workflow that the event started. `outcome` is expanded, nobody or not_expanded."""

    workflow: str
    version: int
    outcome: PartOutcome
    notifications: int
    reason: str | None = None
    detail: str | None = None
    pointer: str | None = None
    left_out: list[LeftOutEntry] = []


class FanoutEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a workflow is that reaches more people than are expanded at once. `state` is running, done or cancelled."""

    id: str
    workflow: str
    version: int
    state: str
    pages: int
    recipients: int
    """Notified so far."""
    skipped: int
    topic: str | None = None
    """Its subscribers; None: all users, or a list."""
    listed: int | None = None
    """How many its list names."""


class EventReport(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one event."""

    event: str
    tenant: str
    type: str | None
    source: str | None
    source_id: str | None
    accepted_at: str | None
    state: EventState
    generation: int
    """+1 each time that it was sent again and expanded anew."""
    reason: str | None
    """Why it became no notification at all; None when it did."""
    detail: str | None
    pointer: str | None
    workflows: list[WorkflowEntry]
    notifications: list[StartedNotification]
    fanouts: list[FanoutEntry]


def build_report(
    event: str,
    tenant: str,
    *,
    row: StoredRow | None,
    statuses: Sequence[StoredRow],
    notifications: Sequence[StoredRow],
    fanouts: Sequence[StoredRow] = (),
) -> EventReport | None:
    """The report from the event's expansion, its own statuses by time, and its notifications; None when there is none.

    A request with explicit recipients is expanded when it is accepted and has no expansion of its own.
    """
    if row is None and not statuses and not notifications and not fanouts:
        return None
    last = statuses[-1] if statuses else None
    told = last["data"] if last is not None else {}
    workflows = [_workflow(part) for part in row["workflows"]] if row is not None else []
    rejected = {} if fanouts else _why(row, workflows) if row is not None else _told(told)
    accepted_at = row["accepted_at"] if row is not None else last["at"] if last is not None else None
    return EventReport(
        event=event,
        tenant=tenant,
        type=row["type"] if row is not None else told.get("event_type") or _event_type(notifications),
        source=row["source"] if row is not None else told.get("source"),
        source_id=row["source_id"] if row is not None else told.get("source_id"),
        accepted_at=None if accepted_at is None else rfc3339(from_datetime(accepted_at)),
        state=EventState(row["state"]) if row is not None else EventState.DEAD if told else EventState.EXPANDED,
        generation=row["generation"] if row is not None else told.get("generation", 0),
        reason=rejected.get("reason"),
        detail=rejected.get("detail"),
        pointer=rejected.get("pointer"),
        workflows=workflows,
        notifications=[
            StartedNotification(id=found["_id"], user=found["user"], workflow=found["workflow"], last=found["type"])
            for found in notifications
        ],
        fanouts=[_fanout(found) for found in fanouts],
    )


def _fanout(row: StoredRow) -> FanoutEntry:
    return FanoutEntry(
        id=row["_id"],
        workflow=row["workflow"],
        version=row["version"],
        state=row["state"],
        pages=row["page"],
        recipients=row["recipients"],
        skipped=row["skipped"],
        topic=row.get("topic"),
        listed=row.get("listed_count"),
    )


def _workflow(part: StoredRow) -> WorkflowEntry:
    rejected = part.get("rejected") or {}
    return WorkflowEntry(
        workflow=part["key"],
        version=part["version"],
        outcome=PartOutcome(part["outcome"]),
        notifications=part["notifications"],
        reason=rejected.get("reason"),
        detail=rejected.get("detail"),
        pointer=rejected.get("pointer"),
        left_out=[LeftOutEntry(**left_out) for left_out in part.get("left_out", [])],
    )


def _why(row: StoredRow, workflows: Sequence[WorkflowEntry]) -> dict[str, Any]:
    """Why an expanded event became nothing."""
    if any(entry.notifications for entry in workflows):
        return {}
    if row["state"] == EventState.DEAD:
        return next((part["rejected"] for part in row["workflows"] if part.get("rejected")), {})
    if workflows and all(entry.reason == EventReason.CONDITION for entry in workflows):
        return {"reason": workflows[0].reason, "detail": workflows[0].detail}
    return {"reason": (EventReason.NOBODY_NAMED if workflows else EventReason.NO_WORKFLOW).value}


def _told(data: StoredRow) -> dict[str, Any]:
    """Why an event that was never expanded was set aside, by its status."""
    return {name: data.get(name) for name in ("reason", "detail", "pointer")}


def _event_type(notifications: Sequence[StoredRow]) -> str | None:
    return next((found.get("event_type") for found in notifications), None)
