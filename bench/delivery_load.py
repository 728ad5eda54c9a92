"""The load of the delivery benchmark: deliveries as `decide` writes them, for 20,000 users of one tenant.

Webhooks go to 1,000 endpoints on sixteen hosts, as they do in life: of one host no more are sent at once than its share,
and with a single host that share is what would be measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from confluent_kafka import Producer

from bench.delivery_sink import HOSTS
from bench.stage import TENANT, Names
from shared.model import ids, records
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.notifications import Notification, Priority
from shared.model.steps import ChannelStep
from shared.model.templates import EmailTemplate, InAppTemplate
from shared.model.workflows import Workflow
from shared.process.clock import now_ms

USERS: Final = 20_000
ENDPOINTS: Final = 1_000
STEP: Final = "notify"
WORKFLOW: Final = Workflow(
    key="bench.delivered",
    category="orders",
    steps=(ChannelStep(key=STEP, channels=(Channel.IN_APP, Channel.EMAIL, Channel.WEBHOOK)),),
    templates=Templates(
        in_app=InAppTemplate(title="{{ data.order }} has shipped"),
        email=EmailTemplate(
            subject="{{ data.order }} has shipped", text="It left {{ data.city }} with {{ data.carrier }}."
        ),
    ),
    version=1,
)


def address(channel: Channel, number: int, port: int) -> str:
    """Where the numberth delivery goes."""
    user = number % USERS
    if channel is Channel.WEBHOOK:
        return f"http://{HOSTS[user % len(HOSTS)]}:{port}/hooks/{user % ENDPOINTS}"
    return f"user-{user}@example.com" if channel is Channel.EMAIL else f"user-{user}"


def delivery(
    channel: Channel, number: int, now: int, *, port: int = 0, priority: Priority = Priority.NORMAL
) -> Delivery:
    """The numberth, decided now; users take turns. Each priority has numbers of its own."""
    user = f"user-{number % USERS}"
    event = ids.event_id(TENANT, f"bench-{priority}", str(number))
    data = {
        "order": f"A-{number}",
        "carrier": "DHL",
        "city": "Rotterdam",
        "url": f"https://example.com/orders/{number}/track",
        "text": "It is on its way and will be with you on the day after tomorrow. " * 3,
    }
    notification = Notification(
        id=ids.notification_id(event, WORKFLOW.key, user),
        tenant=TENANT,
        user=user,
        workflow=WORKFLOW.key,
        version=WORKFLOW.version,
        event_id=event,
        event_type="order.shipped",
        data=msgspec.Raw(msgspec.json.encode(data)),
        accepted_at=now,
        expires_at=now + 86_400_000,
        priority=priority,
        source="bench",
    )
    return Delivery(
        id=ids.delivery_id(notification.id, STEP, channel, "default"),
        channel=channel,
        step=STEP,
        address=address(channel, number, port),
        notification=notification,
        decided_at=now,
    )


def deliveries(channel: Channel, count: int, port: int = 0) -> Iterator[Delivery]:
    """So many, all decided now."""
    now = now_ms()
    return (delivery(channel, number, now, port=port) for number in range(count))


def key_of(one: Delivery) -> bytes:
    """What keeps a user's deliveries in order."""
    return ids.user_key(TENANT, one.notification.user)


def preload(names: Names, channel: Channel, count: int, port: int = 0) -> None:
    """Writes the backlog into the lane of the many; blocks until all of it is acknowledged."""
    topic = names.topics.deliveries(channel)
    write(names, ((topic, key_of(one), records.encode(one)) for one in deliveries(channel, count, port)))


def write(names: Names, found: Iterator[tuple[str, bytes, bytes]] | Sequence[tuple[str, bytes, bytes]]) -> None:
    """Writes topic, key and value with a client in C; blocks until all are acknowledged."""
    producer = Producer(
        {
            "bootstrap.servers": names.kafka,
            "partitioner": "murmur2_random",
            "linger.ms": 20,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    for number, (topic, key, value) in enumerate(found):
        producer.produce(topic, value, key)
        if number % 1000 == 0:
            producer.poll(0)
    if producer.flush(120):
        raise RuntimeError("Kafka did not take the load")
