"""The body of a webhook and its signature (Standard Webhooks 1.0)."""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import sha256

import msgspec
import orjson

from shared.model.deliveries import Delivery
from shared.model.digest_items import newest_data
from shared.model.timestamps import rfc3339


def payload(delivery: Delivery) -> bytes:
    """`{type, timestamp, data}` with the notification's id and recipient; the same bytes on every try.

    One that gathered others carries `digest` as well, and the newest one's data.
    """
    notification = delivery.notification
    body: dict[str, object] = {
        "type": notification.event_type,
        "timestamp": rfc3339(notification.accepted_at),
        "notification": notification.id,
        "workflow": notification.workflow,
        "user": notification.user,
    }
    body["data"] = orjson.Fragment(bytes(newest_data(delivery)))
    if delivery.digest is not None:
        body["digest"] = orjson.Fragment(msgspec.json.encode(delivery.digest))
    return orjson.dumps(body)


def sign(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`."""
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, sha256)
    return "v1," + b64encode(digest).decode()
