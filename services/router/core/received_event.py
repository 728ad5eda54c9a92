"""An event as it was read from its record: whose it is, when it was accepted, how often it was redriven."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.model import ids
from shared.model.errors import FAULTY_FORMAT, InvalidEvent
from shared.model.event_codecs import all_from_kafka
from shared.model.events import ACCEPTED_AT, FIRST_ACCEPTED, GENERATION, Event
from shared.model.identifiers import check_tenant
from shared.model.outputs import KafkaRecord
from shared.model.reasons import EventReason

MAX_EVENTS: Final = 1000
"""Of one record in batch mode, as over HTTP."""
TIME_DIGITS: Final = 14
"""Of a time in milliseconds; what is longer is not one."""
GENERATION_DIGITS: Final = 6


class ReceivedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it was read. `accepted_at` in milliseconds since the epoch."""

    record: KafkaRecord
    id: str
    tenant: str
    event: Event
    accepted_at: int
    generation: int = 0
    """+1 per redrive, as the record says."""
    first_accepted_at: int | None = None
    """Of one that was sent again: when it was accepted first. It is about people who had their ids then."""


class TenantNotTrusted(InvalidEvent):
    """An event that names a tenant which its topic does not speak for; `received` is it under the topic's own."""

    def __init__(self, received: ReceivedEvent) -> None:
        detail = f"this topic speaks for {received.tenant}; an event may not name another tenant here"
        super().__init__(EventReason.TENANT_NOT_TRUSTED.value, detail, "/tenant")
        self.received = received


class EventTenants(msgspec.Struct, frozen=True, kw_only=True):
    """Whose the events of a topic are. A name in a record proves nothing where anyone may write."""

    internal: str
    """The topic that ingest alone writes to: there, the event's own tenant counts."""
    public: str = "default"
    """The tenant that every other topic speaks for."""
    trusted: bool = False
    """Whether an event's own tenant counts on these, too."""


def read_events(record: KafkaRecord, now: int, tenants: EventTenants) -> list[ReceivedEvent | InvalidEvent]:
    """The events of a record, one or those of a batch; what is wrong with one stands in its place.

    `now` in milliseconds. Raises nothing.
    """
    if record.fault is not None:
        return [InvalidEvent(record.fault, FAULTY_FORMAT)]
    found: list[ReceivedEvent | InvalidEvent] = []
    for event in all_from_kafka(record.headers, record.value, most=MAX_EVENTS):
        try:
            found.append(event if isinstance(event, InvalidEvent) else _received(record, event, now, tenants))
        except InvalidEvent as error:
            found.append(error)
    return found


def _received(record: KafkaRecord, event: Event, now: int, tenants: EventTenants) -> ReceivedEvent:
    named = event.attributes.get("tenant", tenants.public)
    counts = tenants.trusted or record.topic == tenants.internal
    tenant = check_tenant(named) if counts else tenants.public
    headers = dict(record.headers)
    generation = _number(headers.get(GENERATION), GENERATION_DIGITS)
    received = ReceivedEvent(
        record=record,
        id=ids.event_id(tenant, event.source, event.id, test=event.is_test),
        tenant=tenant,
        event=event,
        accepted_at=min(_accepted_at(record, headers.get(ACCEPTED_AT), now), now),
        generation=generation or 0,
        first_accepted_at=_number(headers.get(FIRST_ACCEPTED), TIME_DIGITS),
    )
    if named != tenant:
        raise TenantNotTrusted(received)
    return received


def _accepted_at(record: KafkaRecord, header: bytes | None, now: int) -> int:
    """When ingest accepted the event, else when the broker appended it, else now (ms since the epoch).

    Never what its producer's clock says: in seconds, or days old, it would end every notification at once.
    """
    accepted = _number(header, TIME_DIGITS)
    if accepted is not None:
        return accepted
    return record.timestamp if record.timestamp > 0 else now


def _number(header: bytes | None, digits: int) -> int | None:
    return int(header) if header and header.isdigit() and len(header) <= digits else None
