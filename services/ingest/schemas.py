"""JSON schemas and examples of the API; each example is accepted or answered as it stands (a test tries)."""

from __future__ import annotations

from typing import Any, Final

from shared.model.channels import ADDRESS_KINDS
from shared.model.identifiers import MAX_USER_ID
from shared.model.notifications import Priority
from shared.model.quiet_windows import WEEKDAYS
from shared.model.recipients import MAX_RECIPIENTS

_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "string", "format": "date-time"}
_USER: Final = {"type": "string", "minLength": 1, "maxLength": MAX_USER_ID}
_DURABILITY: Final = {"enum": ["log", "outbox"], "description": "acknowledged by Kafka, or in MongoDB until it is back"}
_FLAGS: Final = {"type": "object", "additionalProperties": {"type": "boolean"}}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_ADDRESSES: Final[dict[str, Any]] = {name: dict(kind.schema) for name, kind in ADDRESS_KINDS.items()}
_PERSON: Final[dict[str, Any]] = {
    "name": {"type": "string", "maxLength": 200},
    "locale": {"type": "string", "description": "BCP 47", "maxLength": 35},
    "zone": {"type": "string", "description": "IANA time zone"},
}
_CLOCK: Final = {"type": "string", "pattern": r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"}
_DAYS: Final = {"type": "array", "items": {"enum": list(WEEKDAYS)}}
_WINDOW_FIELDS: Final[dict[str, Any]] = {"from": _CLOCK, "until": _CLOCK, "days": _DAYS}
_WINDOW: Final = _object(("from", "until"), **_WINDOW_FIELDS)
_PROFILE: Final = _object(
    addresses=_object(**_ADDRESSES),
    devices={"type": "array", "maxItems": 20, "items": {"type": "object", "additionalProperties": _TEXT}},
    **_PERSON,
    preferences=_object(categories=_FLAGS, workflows=_FLAGS, channel_types=_FLAGS),
    quiet_hours=_object(
        ("windows",), windows={"type": "array", "items": _WINDOW}, enabled={"type": "boolean"}, zone=_TEXT
    ),
)
_EVENT: Final = {
    "type": "object",
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": 1024},
        "source": {"type": "string", "format": "uri-reference", "maxLength": 1024},
        "type": {"type": "string", "minLength": 1, "maxLength": 1024},
        "subject": _TEXT,
        "time": _TIME,
        "datacontenttype": _TEXT,
        "partitionkey": {"type": "string", "description": "events with equal keys keep their order"},
        "data": {"description": "any JSON"},
        "data_base64": {"type": "string", "contentEncoding": "base64"},
    },
    "required": ["specversion", "id", "source", "type"],
    "additionalProperties": True,
}

SCHEMAS: Final[dict[str, Any]] = {
    "Send": _object(
        ("workflow", "recipients"),
        workflow={"type": "string", "maxLength": 200, "description": "the key of a published workflow"},
        recipients={
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_RECIPIENTS,
            "items": {"anyOf": [_USER, _object(("id",), id=_USER), _object(**_ADDRESSES, **_PERSON)]},
        },
        data={"type": "object", "description": "what the templates show"},
        actor={**_USER, "description": "who did it; never notified of it"},
        deliver_at=_TIME,
        expires_at=_TIME,
        cancellation_key={"type": "string", "minLength": 1, "maxLength": 200},
        priority={"enum": list(Priority)},
    ),
    "Accepted": _object(
        ("id", "notifications", "durability"),
        id={"type": "string", "description": "the event id, equal for equal Idempotency-Keys"},
        notifications={"type": "array", "items": _object(("id", "user"), id=_TEXT, user=_TEXT)},
        durability=_DURABILITY,
    ),
    "Cancel": _object(("cancellation_key",), cancellation_key={"type": "string", "minLength": 1, "maxLength": 200}),
    "Cancelled": _object(
        ("cancellation_key", "holds_cancelled"), cancellation_key=_TEXT, holds_cancelled={"type": "integer"}
    ),
    "CloudEvent": _EVENT,
    "CloudEventBatch": {"type": "array", "maxItems": 1000, "items": {"$ref": "#/components/schemas/CloudEvent"}},
    "AcceptedEvents": _object(
        ("accepted", "ids", "durability"),
        accepted={"type": "integer"},
        ids={"type": "array", "items": _TEXT},
        durability=_DURABILITY,
    ),
    "Profile": _PROFILE,
    "ProfilePatch": {"type": "object", "description": "a part of a profile; null removes"},
    "StoredProfile": {
        "type": "object",
        "properties": {"id": _TEXT, "version": {"type": "integer"}, **_PROFILE["properties"], "webhook_secret": _TEXT},
        "required": ["id", "version"],
    },
    "Problem": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "instance": _TEXT,
            "code": _TEXT,
            "fix": {"type": "string", "description": "the next step"},
            "request_id": _TEXT,
            "errors": {"type": "array", "items": _object(("pointer", "detail"), pointer=_TEXT, detail=_TEXT)},
        },
        "required": ["type", "title", "status", "detail", "code", "fix", "request_id"],
    },
}

_EXAMPLE_PROFILE: Final = {
    "addresses": {"email": "ada@example.com", "webhook": "https://example.com/hooks/ada"},
    "name": "Ada",
    "locale": "en",
    "zone": "Europe/Berlin",
    "preferences": {"categories": {"marketing": False}},
    "quiet_hours": {"windows": [{"from": "22:00", "until": "07:00"}]},
}
_EXAMPLE_ID: Final = "0b0f3d5c-3c43-5f3e-9a55-7d1d0c6f9a10"
EXAMPLES: Final[dict[str, Any]] = {
    "Send": {
        "workflow": "chat.new_message",
        "recipients": ["ada", {"email": "bob@example.com", "name": "Bob"}],
        "data": {"text": "Hello"},
        "actor": "grace",
        "cancellation_key": "message-17",
        "priority": "high",
    },
    "Accepted": {
        "id": _EXAMPLE_ID,
        "notifications": [{"id": "5c1c9b8e-29f4-5d56-8f0f-4f6f4a0f3a11", "user": "ada"}],
        "durability": "log",
    },
    "Cancel": {"cancellation_key": "message-17"},
    "Cancelled": {"cancellation_key": "message-17", "holds_cancelled": 1},
    "CloudEvent": {
        "specversion": "1.0",
        "id": "1001",
        "source": "/shop",
        "type": "order.shipped",
        "subject": "order-7",
        "time": "2026-01-05T10:11:12Z",
        "data": {"order": 7},
    },
    "AcceptedEvents": {"accepted": 1, "ids": [_EXAMPLE_ID], "durability": "log"},
    "Profile": _EXAMPLE_PROFILE,
    "ProfilePatch": {"zone": "Europe/Paris", "quiet_hours": None},
    "StoredProfile": {"id": "ada", "version": 3, **_EXAMPLE_PROFILE},
    "Problem": {
        "type": "/problems/invalid_request",
        "title": "Invalid request",
        "status": 422,
        "detail": "a field is not valid",
        "instance": "/v1/notifications",
        "code": "invalid_request",
        "fix": "Correct the body as the errors say; the schema is at /openapi.json.",
        "request_id": "7f3c1f0e5a9b4c43",
        "errors": [{"pointer": "/recipients", "detail": "a list of 1 to 100 user ids or inline people"}],
    },
}
