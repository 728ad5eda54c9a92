"""One event on its way to notifications: what is read from its record, and what it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import orjson

from shared.model import ids
from shared.model.errors import FAULTY_FORMAT, InvalidEvent
from shared.model.event_codecs import all_from_kafka
from shared.model.events import ACCEPTED_AT, Event
from shared.model.expansion import expand, from_event
from shared.model.identifiers import check_tenant
from shared.model.notifications import Notification
from shared.model.outputs import KafkaRecord, Output
from shared.model.records import encode, notify
from shared.model.statuses import Subject, status
from shared.model.topics import Topics
from shared.model.workflows import Workflow

MOST_EVENTS: Final = 1000
"""Of one record in batch mode, as over HTTP."""
MOST_DIGITS: Final = 15
"""Of a time in milliseconds; what is longer is not one."""


class ReceivedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it was read. `accepted_at` in milliseconds since the epoch."""

    record: KafkaRecord
    id: str
    tenant: str
    event: Event
    accepted_at: int


class Expansion(msgspec.Struct, frozen=True, kw_only=True):
    """An event and the workflow versions it starts, as (key, version)."""

    received: ReceivedEvent
    workflows: tuple[tuple[str, int], ...]

    @property
    def id(self) -> str:
        """The event's id."""
        return self.received.id

    @property
    def versions(self) -> list[tuple[str, str, int]]:
        """Tenant, key and version of each workflow."""
        return [(self.received.tenant, key, version) for key, version in self.workflows]


def read_events(record: KafkaRecord, now: int) -> tuple[list[ReceivedEvent], InvalidEvent | None]:
    """The events of a record of `events.v1`, and the first error among them; `now` in milliseconds. Raises nothing."""
    if record.fault is not None:
        return [], InvalidEvent(record.fault, FAULTY_FORMAT)
    found: list[ReceivedEvent] = []
    wrong: InvalidEvent | None = None
    for event in all_from_kafka(record.headers, record.value, most=MOST_EVENTS):
        try:
            if isinstance(event, InvalidEvent):
                raise event
            found.append(_received(record, event, now))
        except InvalidEvent as error:
            wrong = wrong or error
    return found, wrong


def _received(record: KafkaRecord, event: Event, now: int) -> ReceivedEvent:
    tenant = check_tenant(event.attributes.get("tenant", "default"))
    return ReceivedEvent(
        record=record,
        id=ids.event_id(tenant, event.source, event.id),
        tenant=tenant,
        event=event,
        accepted_at=min(_accepted_at(record, now), now),
    )


def expansion_outputs(topics: Topics, expansion: Expansion, workflows: Iterable[Workflow]) -> list[Output]:
    """A record to decide for each recipient of each workflow, and the event's status. Raises InvalidEvent."""
    received = expansion.received
    event = received.event
    notifications: list[Notification] = []
    data = orjson.loads(event.data)
    for workflow in workflows:
        request = from_event(
            tenant=received.tenant,
            event_id=received.id,
            event_type=event.type,
            source=event.source,
            raw=event.data,
            data=data,
            workflow=workflow,
            accepted_at=received.accepted_at,
            traceparent=event.attributes.get("traceparent"),
        )
        notifications += expand(request, workflow)
    outputs = [
        Output(topics.notifications, ids.user_key(found.tenant, found.user), encode(notify(found)), [])
        for found in notifications
    ]
    return [*outputs, _status(topics, expansion, notifications)]


def _status(topics: Topics, expansion: Expansion, notifications: Sequence[Notification]) -> Output:
    received = expansion.received
    return status(
        topics.statuses,
        area="event",
        state="expanded",
        subject=Subject(received.id, 0, 0),
        tenant=received.tenant,
        user=received.id,
        at=received.accepted_at,
        data={
            "event": received.id,
            "event_type": received.event.type,
            "source": received.event.source,
            "source_id": received.event.id,
            "workflows": [f"{key} v{version}" for key, version in expansion.workflows],
            "notifications": [found.id for found in notifications],
        },
    )


def _accepted_at(record: KafkaRecord, now: int) -> int:
    """When ingest accepted the event, else when the broker appended it, else now (ms since the epoch).

    Never what its producer's clock says: in seconds, or days old, it would end every notification at once.
    """
    accepted = dict(record.headers).get(ACCEPTED_AT) or b""
    if accepted.isdigit() and len(accepted) < MOST_DIGITS:
        return int(accepted)
    return record.timestamp if record.timestamp > 0 else now
