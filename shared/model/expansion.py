"""From an event, or a request with explicit recipients, to notifications.

Ingest and the router use the same function, so ids come out equal by either way.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import orjson

from shared.model import ids
from shared.model.errors import Invalid, InvalidEvent
from shared.model.notifications import Notification, Priority
from shared.model.recipients import Recipient, recipients
from shared.model.workflows import Workflow

MAX_EXPANDED: Final = 16 * 1_048_576
"""Bytes of data times recipients that one event may become."""


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
    expires_at: int | None = None
    priority: Priority | None = None
    cancellation_key: str | None = None
    cancel_count: int = 0
    traceparent: str | None = None


def expand(request: Request, workflow: Workflow) -> list[Notification]:
    """One notification per distinct recipient, in the order they were named."""
    base = max(request.accepted_at, request.deliver_at or 0)
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
            priority=request.priority or workflow.priority,
            actor=request.actor,
            deliver_at=request.deliver_at,
            cancellation_key=request.cancellation_key,
            cancel_count=request.cancel_count,
            contact=recipient.contact,
            traceparent=request.traceparent,
        )
        for user, recipient in distinct.items()
    ]


def lookup(data: object, path: str) -> object:
    """The value at a dotted path that starts with `data`; None where there is nothing."""
    value = data
    for name in path.split(".")[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def from_event(
    *,
    tenant: str,
    event_id: str,
    event_type: str,
    source: str,
    raw: bytes,
    data: object,
    workflow: Workflow,
    accepted_at: int,
    traceparent: str | None,
) -> Request:
    """What an event asks of one workflow. Raises InvalidEvent when its recipients cannot be read.

    The list of recipients itself goes to none of them: nobody is told who else was.
    """
    path = workflow.recipients or ""
    pointer = "/" + path.replace(".", "/")
    named = lookup(data, path)
    try:
        found = recipients(named, pointer) if named is not None else ()
    except Invalid as error:
        raise InvalidEvent(error.code, f"{workflow.key}: {error.detail}", error.pointer) from error
    if isinstance(named, list):
        raw = orjson.dumps(_without(data, path.split(".")[1:]))
    if len(raw) * len(found) > MAX_EXPANDED:
        detail = f"{workflow.key}: {len(raw)} bytes of data for {len(found)} recipients are too much at once"
        raise InvalidEvent("expanded_too_large", detail, pointer)
    actor = lookup(data, workflow.actor) if workflow.actor else None
    return Request(
        tenant=tenant,
        event_id=event_id,
        event_type=event_type,
        source=source,
        recipients=found,
        data=raw,
        accepted_at=accepted_at,
        actor=actor if isinstance(actor, str) else None,
        traceparent=traceparent,
    )


def _without(value: Any, names: list[str]) -> Any:
    """A copy of nested objects without the member that `names` leads to."""
    name, *deeper = names
    if not deeper:
        return {key: item for key, item in value.items() if key != name}
    return value | {name: _without(value[name], deeper)}
