"""Reading the record of a delivery."""

from __future__ import annotations

from shared.model.channels import Channel
from shared.model.dead_letters import UnreadableRecord
from shared.model.deliveries import ReceivedDelivery
from shared.model.errors import InvalidRecord
from shared.model.formats import NewerFormat
from shared.model.outputs import KafkaRecord
from shared.model.records import Kind, Record, decode_delivery, decode_record


def read(channel: Channel, record: KafkaRecord) -> ReceivedDelivery | UnreadableRecord | NewerFormat:
    """The delivery of a record on a topic of `channel`; a NewerFormat where only a newer version can read it."""
    try:
        delivery = decode_delivery(record.value, record.fault)
    except NewerFormat as newer:
        return newer.of(record.coordinates)
    except InvalidRecord as error:
        return UnreadableRecord(record, error)
    if delivery.channel is not channel:
        detail = f"a delivery for {delivery.channel} on the topic of {channel}"
        return UnreadableRecord(record, InvalidRecord("wrong_channel", detail))
    return ReceivedDelivery(delivery=delivery, record=record)


def read_control(record: KafkaRecord) -> Record | None:
    """What `decide` writes into the lane of in_app beside deliveries: whose life begins, what is withdrawn from whom.

    None: the record says something else.
    """
    try:
        found = decode_record(record.value, record.fault)
    except InvalidRecord:
        return None
    return found if found.kind in (Kind.PROFILE_CHANGED, Kind.WITHDRAW) else None
