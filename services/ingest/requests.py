"""What `POST /v1/notifications` and its cancel say (pure)."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
import orjson

from services.ingest.faults import Faults, require_object
from shared.model.identifiers import check_user_id
from shared.model.notifications import Priority
from shared.model.recipients import MAX_RECIPIENTS, Recipient, recipient
from shared.model.timestamps import parse_rfc3339
from shared.model.topics import DAY_MS
from shared.model.workflows import KEY

FURTHEST_MS: Final = 366 * DAY_MS
"""How far ahead a time may lie."""
MAX_KEY: Final = 200
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request to notify. Times are milliseconds since the epoch, `data` is JSON."""

    workflow: str
    recipients: tuple[Recipient, ...]
    data: bytes
    actor: str | None = None
    deliver_at: int | None = None
    expires_at: int | None = None
    cancellation_key: str | None = None
    priority: Priority | None = None


SEND_FIELDS: Final = frozenset(Send.__struct_fields__)


def parse_send(value: Any, now: int) -> Send:
    """The request in a decoded body. Raises InvalidFields with everything that is wrong with it."""
    body, faults = require_object(value), Faults()
    faults.unknown_fields(body, SEND_FIELDS)
    workflow = _workflow(body, faults)
    people = _recipients(body, faults)
    data = body.get("data")
    if data is not None and not isinstance(data, dict):
        faults.add("/data", "an object, as {...}")
    actor = body.get("actor")
    if actor is not None:
        faults.attempt(check_user_id, actor, "/actor")
    deliver_at = _time(body, "deliver_at", now, faults)
    expires_at = _time(body, "expires_at", now, faults)
    if expires_at is not None and expires_at <= now:
        faults.add("/expires_at", "it is over already")
    elif expires_at is not None and deliver_at is not None and expires_at <= deliver_at:
        faults.add("/expires_at", "must be later than deliver_at")
    cancellation_key = faults.text(body, "cancellation_key", MAX_KEY)
    priority = _priority(body, faults)
    faults.settle()
    return Send(
        workflow=workflow,
        recipients=people,
        data=orjson.dumps(data or {}),
        actor=actor,
        deliver_at=deliver_at,
        expires_at=expires_at,
        cancellation_key=cancellation_key,
        priority=priority,
    )


def parse_cancel(value: Any) -> str:
    """The cancellation key in a decoded body. Raises InvalidFields."""
    body, faults = require_object(value), Faults()
    faults.unknown_fields(body, ("cancellation_key",))
    key = faults.text(body, "cancellation_key", MAX_KEY)
    if body.get("cancellation_key") is None:
        faults.add("/cancellation_key", "is required: the key that the notifications were sent with")
    faults.settle()
    return key or ""


def traceparent(header: str | None) -> str | None:
    """The header as W3C Trace Context has it; one that is not valid is ignored, as that asks for."""
    return header if header and len(header) <= 512 and _TRACEPARENT.fullmatch(header) else None


def _workflow(body: dict[str, Any], faults: Faults) -> str:
    value = body.get("workflow")
    if not isinstance(value, str) or len(value) > MAX_KEY or not KEY.fullmatch(value):
        problem = "is required" if value is None else "is no workflow key"
        faults.add("/workflow", f"{problem}; dotted lower-case words, as chat.new_message")
        return ""
    return value


def _recipients(body: dict[str, Any], faults: Faults) -> tuple[Recipient, ...]:
    value = body.get("recipients")
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_RECIPIENTS:
        found = f"; there are {len(value)}" if isinstance(value, list) else ""
        faults.add("/recipients", f"a list of 1 to {MAX_RECIPIENTS} user ids or inline people{found}")
        return ()
    read = (faults.attempt(recipient, item, f"/recipients/{position}") for position, item in enumerate(value))
    return tuple(found for found in read if found is not None)


def _time(body: dict[str, Any], name: str, now: int, faults: Faults) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        at = parse_rfc3339(value) if isinstance(value, str) and _TIME.fullmatch(value) else None
    except (ValueError, OverflowError):
        at = None
    if at is None:
        faults.add(f"/{name}", "an RFC 3339 time with an offset, as 2026-01-05T08:00:00Z")
        return None
    if at > now + FURTHEST_MS:
        faults.add(f"/{name}", "is more than 366 days ahead")
    return at


def _priority(body: dict[str, Any], faults: Faults) -> Priority | None:
    value = body.get("priority")
    if value is None:
        return None
    if isinstance(value, str) and value in Priority.__members__.values():
        return Priority(value)
    faults.add("/priority", f"one of {', '.join(Priority)}")
    return None
