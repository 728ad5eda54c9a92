"""Reading a delivery's record; what cannot be read becomes a dead letter (pure but for the clock)."""

from __future__ import annotations

from typing import Any

import msgspec

from services.delivery.core.effects import ReceivedDelivery
from shared.model.channels import Channel
from shared.model.dead_letters import dead_letter_headers
from shared.model.deliveries import Delivery
from shared.model.errors import InvalidRecord
from shared.model.outputs import Coordinates, Output
from shared.model.records import decode_delivery
from shared.model.topics import Topics
from shared.process.clock import now_ms


class UnreadableRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is no delivery, as the dead letter it becomes."""

    letter: Output
    code: str


def read(topics: Topics, channel: Channel, record: Any, at: Coordinates) -> ReceivedDelivery | UnreadableRecord:
    """The delivery of a Kafka record of `channel`."""
    headers = tuple(record.headers)
    try:
        delivery = _decode(record.value, channel)
    except InvalidRecord as error:
        why = dead_letter_headers(
            topic=at.topic,
            partition=at.partition,
            offset=at.offset,
            group=topics.group(f"delivery-{channel}"),
            code=error.code,
            error_class=type(error).__name__,
            at=now_ms(),
        )
        letter = Output(topics.deliveries_dlq(channel), record.key, record.value, [*headers, *why])
        return UnreadableRecord(letter=letter, code=error.code)
    return ReceivedDelivery(delivery=delivery, coordinates=at, key=record.key, value=record.value, headers=headers)


def _decode(raw: bytes | None, channel: Channel) -> Delivery:
    delivery = decode_delivery(raw)
    if delivery.channel is not channel:
        raise InvalidRecord("wrong_channel", f"a delivery for {delivery.channel} on the topic of {channel}")
    return delivery
