"""Values that the tests of the core start from; each test changes what it is about."""

from __future__ import annotations

from typing import Any

import msgspec

from services.router.core.decision import Decision
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.model import formats
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import Delivery, ReceivedDelivery
from shared.model.notifications import Notification
from shared.model.outputs import Coordinates, KafkaRecord
from shared.model.profiles import Profile
from shared.model.quiet_windows import QuietHours, Window
from shared.model.records import Record, notify
from shared.model.steps import ChannelStep
from shared.model.templates import EmailTemplate, InAppTemplate
from shared.model.timestamps import parse_rfc3339
from shared.model.workflows import Workflow

NOON = parse_rfc3339("2026-01-05T12:00:00Z")
"""A Monday; in UTC nobody below is quiet."""
NIGHT = parse_rfc3339("2026-01-05T23:00:00Z")
"""Quiet for NIGHTS in UTC until 07:00."""
MORNING = parse_rfc3339("2026-01-06T07:00:00Z")
DAY = 86_400_000
NEWER = formats.FORMAT + 1
"""The format of a version to come."""
NIGHTS = QuietHours(windows=(Window(start="22:00", until="07:00"),))
ID = "5f0c3c6e-3a55-5d0e-9d3f-2b1f5f0a7c11"
ALL = (Channel.IN_APP, Channel.EMAIL, Channel.WEBHOOK)
ADDRESSES = {"email": "ada@example.com", "webhook": "https://hooks.example.com/a"}


def notification(**changes: Any) -> Notification:
    known: dict[str, Any] = {
        "id": ID,
        "tenant": "acme",
        "user": "ada",
        "workflow": "order.shipped",
        "version": 3,
        "event_id": "e-1",
        "event_type": "com.example.order.shipped",
        "data": msgspec.Raw(b'{"order":"A7"}'),
        "accepted_at": NOON - 1000,
        "expires_at": NOON + DAY,
    }
    return Notification(**(known | changes))


def workflow(**changes: Any) -> Workflow:
    known: dict[str, Any] = {
        "key": "order.shipped",
        "version": 3,
        "category": "orders",
        "steps": (ChannelStep(key="notify", channels=ALL),),
        "templates": Templates(
            in_app=InAppTemplate(title="Order {{ data.order }}"),
            email=EmailTemplate(subject="Order {{ data.order }}", text="Shipped, {{ user.name }}."),
        ),
    }
    return Workflow(**(known | changes))


def profile(**changes: Any) -> Profile:
    known: dict[str, Any] = {"tenant": "acme", "user": "ada", "version": 7, "addresses": ADDRESSES}
    return Profile(**(known | changes))


def routing_input(**changes: Any) -> RoutingInput:
    known: dict[str, Any] = {
        "notification": notification(),
        "workflow": workflow(),
        "profile": profile(),
        "cancel_count": 0,
        "now": NOON,
    }
    return RoutingInput(**(known | changes))


def delivery(**changes: Any) -> Delivery:
    known: dict[str, Any] = {
        "id": "9a4c8f7e-0b5d-5b2a-8c3d-1e2f3a4b5c6d",
        "channel": Channel.EMAIL,
        "step": "notify",
        "address": "ada@example.com",
        "notification": notification(),
        "decided_at": NOON,
        "profile_version": 7,
    }
    return Delivery(**(known | changes))


def record(value: bytes | None = b"as it came", **changes: Any) -> KafkaRecord:
    known: dict[str, Any] = {
        "topic": "carillon.deliveries.email.v1",
        "partition": 4,
        "offset": 99,
        "key": b"acme:ada",
        "value": value,
        "headers": [("traceparent", b"00-1")],
        "timestamp": NOON,
    }
    return KafkaRecord(**(known | changes))


def received(**changes: Any) -> ReceivedDelivery:
    return ReceivedDelivery(delivery=delivery(**changes), record=record())


def event_record(
    event: str = "e-1", *, offset: int = 5, data: bytes = b'{"to":["ada"]}', **attributes: str
) -> KafkaRecord:
    """A CloudEvent in binary mode, as it stands on `events.v1`."""
    known = {
        "specversion": "1.0",
        "id": event,
        "source": "/shop",
        "type": "com.example.order.shipped",
    }
    headers = [(f"ce_{name}", value.encode()) for name, value in (known | attributes).items()]
    return record(
        data, topic="carillon.events.v1", offset=offset, headers=[*headers, ("content-type", b"application/json")]
    )


def decision(asked: RoutingInput, record: Record | None = None, offset: int = 5) -> Decision:
    return Decision(
        record=record or notify(asked.notification),
        notification=asked.notification,
        coordinates=Coordinates("carillon.notifications.v1", 1, offset),
        items=route(asked),
        at=asked.now,
        profile_version=asked.profile.version if asked.profile else 0,
        snapshot={},
    )
