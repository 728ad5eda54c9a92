"""What is written instead of a record that is too large for its topic (pure): a shortened dead letter, and its end."""

from __future__ import annotations

from typing import Final

from shared.model.channels import Channel
from shared.model.deliveries import Delivery, DeliveryState
from shared.model.errors import InvalidRecord
from shared.model.formats import NewerFormat
from shared.model.notifications import Notification
from shared.model.outputs import Output
from shared.model.reasons import Reason
from shared.model.records import Record, decode_delivery, decode_record
from shared.model.statuses import Subject, status
from shared.model.timestamps import rfc3339
from shared.model.topics import Topics

KEPT_BYTES: Final = 65_536
"""Of the value; all of it would be too large for the dead letters, too."""
_DEAD_LETTERS: Final = ".dlq.v1"


def in_place_of(topics: Topics, output: Output, at: int) -> list[Output]:
    """The records to write instead; none for a status, which only repeats what else is known. `at` in milliseconds."""
    if output.topic == topics.statuses:
        return []
    if output.topic.endswith(_DEAD_LETTERS):
        headers = [(name, raw) for name, raw in output.headers if name in _COORDINATES]
        return [_shortened(output.topic, output, headers)]
    letter = _shortened(
        _dead_letter_topic(topics, output.topic),
        output,
        [
            ("source_topic", output.topic.encode()),
            ("error_class", b"RecordTooLarge"),
            ("error_code", Reason.RECORD_TOO_LARGE.encode()),
            ("first_failed_at", str(at).encode()),
            ("last_failed_at", str(at).encode()),
        ],
    )
    return [letter, *_ends(topics, output, at)]


_COORDINATES: Final = (
    "source_topic",
    "source_partition",
    "source_offset",
    "source_consumer_group",
    "attempts",
    "error_class",
    "error_code",
    "first_failed_at",
    "last_failed_at",
)


def _shortened(topic: str, output: Output, headers: list[tuple[str, bytes | None]]) -> Output:
    value = output.value or b""
    return Output(topic, output.key, value[:KEPT_BYTES], [*headers, ("value_shortened_from", str(len(value)).encode())])


def _dead_letter_topic(topics: Topics, topic: str) -> str:
    for channel in Channel:
        if topic in {topics.deliveries(channel, lane) for lane in channel.spec.lanes}:
            return topics.deliveries_dlq(channel)
    return topics.deliveries_dlq(Channel.IN_APP) if topic == topics.inbox else topics.events_dlq


def _ends(topics: Topics, output: Output, at: int) -> list[Output]:
    """The terminal status of the delivery or the notification that the record would have carried on."""
    try:
        if output.topic == topics.notifications:
            record = decode_record(output.value)
            if record.delivery is not None:
                return [_dead(topics, record.delivery, at)]
            return [_suppressed(topics, record, record.notification, at)] if record.notification else []
        if output.topic in (topics.inbox, topics.events, topics.accepted_events):
            return []  # an inbox row is there and shown at the next connection; an event has no notification yet
        return [_dead(topics, decode_delivery(output.value), at)]
    except (InvalidRecord, NewerFormat):
        return []


def _dead(topics: Topics, delivery: Delivery, at: int) -> Output:
    data: dict[str, object] = {
        "delivery": delivery.id,
        "channel": delivery.channel,
        "step": delivery.step,
        "attempts": delivery.attempts,
        "reason": Reason.RECORD_TOO_LARGE,
    }
    subject = Subject(delivery.id, delivery.generation, delivery.pass_)
    about = delivery.notification
    return status(
        topics.statuses,
        area="delivery",
        state=DeliveryState.DEAD,
        subject=subject,
        tenant=about.tenant,
        user=about.user,
        at=at,
        data=_ids(about) | data,
    )


def _suppressed(topics: Topics, record: Record, about: Notification, at: int) -> Output:
    item = {"outcome": "suppress", "reason": Reason.RECORD_TOO_LARGE, "step": record.step, "channel": record.channel}
    return status(
        topics.statuses,
        area="notification",
        state=DeliveryState.SUPPRESSED,
        subject=Subject(record.subject, record.generation, record.pass_),
        tenant=about.tenant,
        user=about.user,
        at=at,
        data=_ids(about) | {"kind": record.kind, "items": [item]},
    )


def _ids(notification: Notification) -> dict[str, object]:
    """What is too large stays out."""
    return {
        "notification": notification.id,
        "workflow": notification.workflow,
        "version": notification.version,
        "event_id": notification.event_id,
        "accepted_at": rfc3339(notification.accepted_at),
    }
