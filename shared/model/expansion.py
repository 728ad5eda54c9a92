"""From an event, or a request with explicit recipients, to notifications.

Ingest and the router use the same function, so ids come out equal by either way.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from shared.model import ids
from shared.model.local_times import LocalTime
from shared.model.notifications import Notification, Priority
from shared.model.recipients import Recipient
from shared.model.workflows import Workflow

API_SOURCE: Final = "carillon:api"
"""The source of what was sent to explicit recipients, without an event."""
MAX_EXPANDED: Final = 16 * 1_048_576
"""Bytes of data times recipients that one event may become."""


class PartOutcome(StrEnum):
    """What became of one workflow that an event starts."""

    EXPANDED = "expanded"
    NOBODY = "nobody"
    """Its list of recipients is there, and empty; or its condition does not hold."""
    NOT_EXPANDED = "not_expanded"


class EventState(StrEnum):
    """What became of an event."""

    EXPANDED = "expanded"
    """Also when it starts nothing, or names nobody."""
    DEAD = "dead"
    """Nothing of it could be expanded; sent again, it is expanded anew."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What starts a workflow for some recipients. Times are milliseconds since the epoch."""

    tenant: str
    event_id: str
    event_type: str
    recipients: tuple[Recipient, ...]
    data: bytes
    accepted_at: int
    source: str | None = None
    actor: str | None = None
    deliver_at: int | None = None
    deliver_local: LocalTime | None = None
    expires_at: int | None = None
    priority: Priority | None = None
    cancellation_key: str | None = None
    cancel_count: int = 0
    traceparent: str | None = None
    collapse_key: str | None = None
    event_time: int | None = None
    subject: str | None = None
    max_retries: int | None = None
    test: bool = False
    supersedes: str | None = None
    """The earlier event of the tenant whose notifications give way."""


def expand(request: Request, workflow: Workflow) -> list[Notification]:
    """One notification per distinct recipient, in the order they were named."""
    local = request.deliver_local
    # Where it comes last, somebody may still be sent it; where it comes first, it lives a day longer.
    base = max(request.accepted_at, request.deliver_at or 0, local.latest if local else 0)
    expires_at = request.expires_at or base + workflow.expires_after_seconds * 1000
    data = msgspec.Raw(request.data)
    distinct = {recipient.id: recipient for recipient in request.recipients}
    return [
        Notification(
            id=ids.notification_id(request.event_id, workflow.key, user),
            tenant=request.tenant,
            user=user,
            workflow=workflow.key,
            version=workflow.version,
            event_id=request.event_id,
            event_type=request.event_type,
            source=request.source,
            data=data,
            accepted_at=request.accepted_at,
            expires_at=expires_at,
            expires_for_good=request.expires_at is not None,
            priority=request.priority or workflow.priority,
            actor=request.actor,
            deliver_at=request.deliver_at,
            deliver_local=local,
            cancellation_key=request.cancellation_key,
            cancel_count=request.cancel_count,
            contact=recipient.contact,
            traceparent=request.traceparent,
            collapse_key=request.collapse_key,
            event_time=request.event_time,
            subject=request.subject,
            max_retries=request.max_retries,
            test=request.test,
            supersedes=request.supersedes if request.supersedes != request.event_id else None,
        )
        for user, recipient in distinct.items()
    ]
