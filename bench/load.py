"""The load of the router's benchmark: users, one workflow of three channels, notifications of some 500 bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from confluent_kafka import Producer

from bench.stage import TENANT, Names
from shared.model import ids, records
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.notifications import Notification
from shared.model.steps import ChannelStep
from shared.model.templates import EmailTemplate, InAppTemplate
from shared.model.workflows import Workflow
from shared.mongo.database import open_database
from shared.process.clock import now_ms

USERS: Final = 20_000
CHANNELS: Final = (Channel.IN_APP, Channel.EMAIL, Channel.WEBHOOK)
WORKFLOW: Final = Workflow(
    key="bench.shipped",
    category="orders",
    steps=(ChannelStep(key="notify", channels=CHANNELS),),
    templates=Templates(
        in_app=InAppTemplate(title="{{ data.order }} has shipped"),
        email=EmailTemplate(subject="Shipped", text="{{ data.order }}"),
    ),
    version=1,
)


def takes_email(number: int) -> bool:
    """Every other user has opted out of e-mail: three channels or two, 2.5 on average."""
    return number % 2 == 0


def channels(number: int) -> tuple[Channel, ...]:
    """What the rules must find for a user."""
    return CHANNELS if takes_email(number) else (Channel.IN_APP, Channel.WEBHOOK)


def profile(number: int) -> dict[str, Any]:
    """A user with preferences and two quiet windows, of which none is near: asked for each time, never holding."""
    now = datetime.fromtimestamp(now_ms() / 1000, UTC)
    quiet = [(now + timedelta(hours=hours)).strftime("%H:%M") for hours in (8, 14)]
    preferences: dict[str, Any] = {"categories": {"orders": True}, "workflows": {}, "channel_types": {"webhook": True}}
    if not takes_email(number):
        preferences["channel_types"]["email"] = False
    return {
        "_id": f"{TENANT}:user-{number}",
        "tenant": TENANT,
        "user": f"user-{number}",
        "version": 1,
        "addresses": {"email": f"user-{number}@example.com", "webhook": f"http://127.0.0.1:9/hooks/{number}"},
        "name": f"User {number}",
        "locale": "en",
        "zone": "UTC",
        "preferences": preferences,
        "quiet_hours": {
            "windows": [
                {"from": quiet[0], "until": quiet[1], "days": ["mon", "tue", "wed", "thu", "fri"]},
                {"from": quiet[0], "until": quiet[1], "days": ["sat", "sun"]},
            ]
        },
    }


async def lay_users(names: Names, count: int = USERS) -> None:
    """Stores the profiles."""
    async with open_database(names.mongo, names.prefix, timeout_ms=60_000) as database:
        for start in range(0, count, 2000):
            await database.profiles.insert_many([profile(number) for number in range(start, min(count, start + 2000))])


def notification(number: int, now: int) -> Notification:
    """The numberth notification; users take turns."""
    user = number % USERS
    event = ids.event_id(TENANT, "bench", str(number))
    data = {
        "order": f"A-{number}",
        "carrier": "DHL",
        "city": "Rotterdam",
        "channels": channels(user),
        "url": f"https://example.com/orders/{number}/track",
    }
    return Notification(
        id=ids.notification_id(event, WORKFLOW.key, f"user-{user}"),
        tenant=TENANT,
        user=f"user-{user}",
        workflow=WORKFLOW.key,
        version=1,
        event_id=event,
        event_type="order.shipped",
        data=msgspec.Raw(msgspec.json.encode(data)),
        accepted_at=now,
        expires_at=now + 86_400_000,
        source="bench",
    )


def deliveries(count: int) -> int:
    """How many deliveries `count` notifications must become."""
    return sum(len(channels(number % USERS)) for number in range(count))


def preload(names: Names, count: int, made: Callable[[int, int], Notification] = notification) -> None:
    """Writes the notifications with a client in C; blocks until all are acknowledged."""
    producer = Producer(
        {
            "bootstrap.servers": names.kafka,
            "partitioner": "murmur2_random",
            "linger.ms": 20,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    now = now_ms()
    for number in range(count):
        one = made(number, now)
        key = ids.user_key(TENANT, one.user)
        producer.produce(names.topics.notifications, records.encode(records.notify(one)), key)
        if number % 1000 == 0:
            producer.poll(0)
    if producer.flush(60):
        raise RuntimeError("Kafka did not take the load")


def delivery_topics(names: Names) -> Sequence[str]:
    """Where the deliveries of this load go."""
    return [names.topics.deliveries(channel) for channel in CHANNELS]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What a benchmark of the router puts before every side."""

    workflow: Workflow
    lay: Callable[[Names, int], Awaitable[None]]
    """Stores the users, and what their rules look at, for so many notifications."""
    preload: Callable[[Names, int], None]
    """Writes so many notifications."""
    deliveries: Callable[[int], int]
    """How many deliveries they must become."""


async def _lay(names: Names, _: int) -> None:
    await lay_users(names)


PLAIN: Final = Scenario(workflow=WORKFLOW, lay=_lay, preload=preload, deliveries=deliveries)
"""Preferences and quiet hours alone."""
