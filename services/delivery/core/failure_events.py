"""A failure is an event, too: one that a workflow of the tenant's own may start on."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import orjson

from shared.model import event_codecs, events, ids
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState
from shared.model.outputs import Output
from shared.model.reasons import Reason
from shared.model.timestamps import rfc3339
from shared.model.topics import Topics

SOURCE: Final = "/carillon/delivery"
OWN: Final = "carillon."
"""What the types of our own events begin with."""
HOUR_MS: Final = 3_600_000


class FailureEvent(StrEnum):
    """Types of such events."""

    DEAD = "carillon.delivery.dead"
    """Each delivery that nobody will retry on its own."""
    PROVIDER_DOWN = "carillon.delivery.provider_down"
    """A channel's providers answer nobody: one an hour for each tenant whose deliveries wait for them."""


def failure_of(delivery: Delivery, result: DeliveryResult) -> FailureEvent | None:
    """What a result is as an event; None: nothing. A notification of such an event makes no other."""
    if delivery.notification.event_type.startswith(OWN):
        return None
    if result.state is DeliveryState.DEAD:
        return FailureEvent.DEAD
    is_down = result.state is DeliveryState.PARKED and result.reason is Reason.PROVIDER_DOWN
    return FailureEvent.PROVIDER_DOWN if is_down else None


def failure_event(topics: Topics, delivery: Delivery, result: DeliveryResult, kind: FailureEvent) -> Output:
    """The event for `expand`; ids and codes, never an address or contents. Repeated, it is the same event."""
    about = delivery.notification
    data: dict[str, object] = {"channel": delivery.channel, "code": result.code, "at": rfc3339(result.at)}
    if kind is FailureEvent.DEAD:
        subject = ids.derive(kind, delivery.id, delivery.generation)
        data |= {
            "delivery": delivery.id,
            "notification": about.id,
            "workflow": about.workflow,
            "user": about.user,
            "reason": result.reason,
            "attempts": result.attempts,
        }
    else:
        hour = (about.tenant, delivery.channel, result.at // HOUR_MS)
        subject = ids.derive(kind, *hour, "test") if about.test else ids.derive(kind, *hour)
    attributes = {
        "specversion": "1.0", "id": subject, "source": SOURCE, "type": kind.value, "time": rfc3339(result.at),
        "tenant": about.tenant, "subject": delivery.channel.value, "datacontenttype": "application/json",
    }  # fmt: skip
    if about.test:  # who is on duty is not called
        attributes[events.TEST] = "true"
    found = events.event(attributes, orjson.dumps(data))
    return Output(topics.accepted_events, found.key, found.data, event_codecs.to_kafka(found))
