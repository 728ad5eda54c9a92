"""From an event, or a request with explicit recipients, to notifications (pure).

Ingest and the router use the same function, so ids come out equal by either way.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
import orjson

from shared import ids
from shared.addresses import CHECKS, check_locale, check_name
from shared.errors import Invalid, InvalidEvent
from shared.notifications import Contact, Notification, Priority
from shared.profiles import check_zone
from shared.workflows import Workflow

MAX_RECIPIENTS: Final = 100
MAX_USER_ID: Final = 200
MAX_EXPANDED: Final = 16 * 1_048_576
"""Bytes of data times recipients that one event may become."""
_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """A user id, or an inline person (then `id` is the hash of the address)."""

    id: str
    contact: Contact | None = None


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


def recipients(value: Any, pointer: str = "/recipients") -> tuple[Recipient, ...]:
    """Recipients from JSON: a user id, an inline person, or a list of these. Raises Invalid."""
    items = value if isinstance(value, list) else [value]
    if len(items) > MAX_RECIPIENTS:
        raise Invalid("too_many_recipients", f"{len(items)} recipients; send at most {MAX_RECIPIENTS} at once", pointer)
    return tuple(recipient(item, f"{pointer}/{position}") for position, item in enumerate(items))


def check_user_id(user: Any, pointer: str) -> str:
    """A user id: 1 to 200 printable characters. Raises Invalid."""
    if not isinstance(user, str) or not 1 <= len(user) <= MAX_USER_ID or not user.isprintable():
        raise Invalid("invalid_user_id", f"a user id is a string of 1 to {MAX_USER_ID} printable characters", pointer)
    return user


def check_tenant(tenant: str) -> str:
    """A tenant's name: lower-case letters, digits, - and _. Raises InvalidEvent."""
    if not _TENANT.fullmatch(tenant):
        raise InvalidEvent("invalid_tenant", "a tenant is 1 to 64 lower-case letters, digits, - and _", "/tenant")
    return tenant


def recipient(item: Any, pointer: str) -> Recipient:
    """One recipient from JSON. Raises Invalid with a pointer below `pointer`."""
    if isinstance(item, str):
        return Recipient(id=check_user_id(item, pointer))
    if not isinstance(item, dict):
        raise Invalid("invalid_recipient", "a recipient is a user id or an object", pointer)
    if "id" in item:
        if len(item) > 1:
            raise Invalid("invalid_recipient", "name a user by id alone, or an inline person without id", pointer)
        return Recipient(id=check_user_id(item["id"], f"{pointer}/id"))
    try:
        contact = msgspec.convert(item, Contact)
    except msgspec.ValidationError as error:
        raise Invalid("invalid_recipient", str(error).partition(" - at ")[0], pointer) from error
    unknown = item.keys() - set(Contact.__struct_fields__)
    if unknown:
        raise Invalid("invalid_recipient", f"unknown field {min(unknown)[:60]!r}", pointer)
    for name, check in (*CHECKS.items(), ("name", check_name), ("locale", check_locale), ("zone", check_zone)):
        value = getattr(contact, name)
        if value is not None:
            check(value, f"{pointer}/{name}")
    address = contact.email or contact.phone or contact.webhook
    if not address:
        raise Invalid("invalid_recipient", "an inline person needs email, phone or webhook", pointer)
    return Recipient(id=ids.inline_user_id(address), contact=contact)


def lookup(data: Any, path: str) -> Any:
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
    data: Any,
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
