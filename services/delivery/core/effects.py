"""Every output that must follow a fate (pure). A replay that meets the recorded fate re-emits them all."""

from __future__ import annotations

from typing import Any

import msgspec

from services.delivery.core.attempts import Fate
from shared.model import ids
from shared.model.dead_letters import dead_letter_headers
from shared.model.deliveries import Delivery, DeliveryState
from shared.model.holds import Cause, Hold
from shared.model.outputs import Coordinates, Output
from shared.model.records import Kind, Record, encode
from shared.model.statuses import Subject, status
from shared.model.timestamps import rfc3339
from shared.model.topics import Topics

CAUSES = {DeliveryState.RETRYING: Cause.RETRY, DeliveryState.PARKED: Cause.PROVIDER_DOWN}


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery as it came: read, and its bytes for the dead-letter topic."""

    delivery: Delivery
    coordinates: Coordinates
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written: records to the log, and a hold."""

    outputs: list[Output]
    hold: Hold | None = None


def following(topics: Topics, came: Came, fate: Fate) -> Following:
    """What follows `fate`."""
    delivery = came.delivery
    outputs = [delivery_status(topics, delivery, fate)]
    if fate.state is DeliveryState.DEAD:
        outputs.append(dead_letter(topics, came, fate))
    if fate.state is DeliveryState.STALE:
        outputs.append(_again(topics, _back(delivery, fate, Kind.STALE)))
    cause = CAUSES.get(fate.state)
    if cause is None or fate.due is None:
        return Following(outputs=outputs)
    return Following(outputs=outputs, hold=Hold(cause=cause, due=fate.due, record=_back(delivery, fate, Kind.RETRY)))


def delivery_status(topics: Topics, delivery: Delivery, fate: Fate) -> Output:
    """`carillon.delivery.<state>`: ids, reason and code, never an address or contents."""
    notification = delivery.notification
    data: dict[str, Any] = {
        "notification": notification.id,
        "delivery": delivery.id,
        "channel": delivery.channel,
        "step": delivery.step,
        "workflow": notification.workflow,
        "version": notification.version,
        "event_id": notification.event_id,
        "attempts": fate.attempts,
        "reason": fate.reason,
        "code": fate.code,
        "due": rfc3339(fate.due) if fate.due is not None else None,
        "accepted_at": rfc3339(notification.accepted_at),
    }
    return status(
        topics.statuses,
        area="delivery",
        state=fate.state,
        subject=Subject(delivery.id, delivery.generation, delivery.pass_),
        tenant=notification.tenant,
        user=notification.user,
        at=fate.at,
        data=data,
    )


def dead_letter(topics: Topics, came: Came, fate: Fate) -> Output:
    """The record as it came, with headers that say where it stood and why nobody retries it."""
    where = came.coordinates
    headers = dead_letter_headers(
        topic=where.topic,
        partition=where.partition,
        offset=where.offset,
        group=topics.group(f"delivery-{came.delivery.channel}"),
        code=fate.code or str(fate.reason),
        error_class=str(fate.reason),
        at=fate.at,
        attempts=fate.attempts,
    )
    return Output(topics.deliveries_dlq(came.delivery.channel), came.key, came.value, [*came.headers, *headers])


def _back(delivery: Delivery, fate: Fate, kind: Kind) -> Record:
    """The delivery at the door again, one pass on."""
    notification = delivery.notification
    return Record(
        kind=kind,
        tenant=notification.tenant,
        user=notification.user,
        subject=delivery.id,
        generation=delivery.generation,
        pass_=delivery.pass_ + 1,
        due=fate.due,
        delivery=msgspec.structs.replace(delivery, attempts=fate.attempts),
    )


def _again(topics: Topics, record: Record) -> Output:
    return Output(topics.notifications, ids.user_key(record.tenant, record.user), encode(record), [])
