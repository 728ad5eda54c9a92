"""The parts of an event: what each workflow that it starts makes of it. An impossible part costs only itself."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.router.core.event_data import EntryPlaces, EventData, pointer_of
from services.router.core.received_event import ReceivedEvent
from shared.model import ids
from shared.model.collapse_keys import collapse_key_of, event_time_of
from shared.model.conditions import failing
from shared.model.data_paths import event_lookup
from shared.model.data_schemas import faults
from shared.model.errors import Invalid
from shared.model.expansion import MAX_EXPANDED, PartOutcome, Request, expand
from shared.model.fanouts import MAX_LISTED, StartedFanout, start_fanout
from shared.model.notifications import Notification
from shared.model.reasons import EventReason
from shared.model.recipients import MAX_RECIPIENTS, Recipient, recipients, user_id_of
from shared.model.workflow_recipients import Audience, topic_of
from shared.model.workflows import Workflow


class LeftOut(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a workflow, or one recipient, was left out. `pointer` is an RFC 6901 pointer into the event."""

    reason: str
    detail: str
    pointer: str | None = None


class EventPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one workflow made of an event."""

    workflow: str
    version: int
    notifications: tuple[Notification, ...] = ()
    fanout: StartedFanout | None = None
    """Of more recipients than are expanded at once."""
    rejected: LeftOut | None = None
    """Why it made nothing of it."""
    left_out: tuple[LeftOut, ...] = ()
    """Recipients."""
    passed_over: LeftOut | None = None
    """Why it is not for this event: that is no error."""

    @property
    def outcome(self) -> PartOutcome:
        """Expanded, for nobody, or not."""
        if self.rejected is not None:
            return PartOutcome.NOT_EXPANDED
        return PartOutcome.EXPANDED if self.notifications or self.fanout else PartOutcome.NOBODY


def expand_parts(received: ReceivedEvent, workflows: Sequence[Workflow]) -> tuple[EventPart, ...]:
    """A part for each workflow that the event starts."""
    if not workflows:
        return ()
    data = EventData(
        received.event.data, [workflow.recipients for workflow in workflows if isinstance(workflow.recipients, str)]
    )
    return tuple([_not_for(received, data, workflow) or _part(received, data, workflow) for workflow in workflows])


def unknown_part(workflow: str, version: int) -> EventPart:
    """Of a version that was stored with the event and is gone."""
    detail = f"{workflow} v{version} is not published any more"
    return EventPart(workflow=workflow, version=version, rejected=_left_out(EventReason.UNKNOWN_VERSION, detail))


def _part(received: ReceivedEvent, data: EventData, workflow: Workflow) -> EventPart:
    if isinstance(workflow.recipients, Audience):
        return _audience(received, data, workflow, workflow.recipients)
    path = workflow.recipients or ""
    pointer = pointer_of(path)
    rejected: LeftOut | None = None
    left_out: tuple[LeftOut, ...] = ()
    notifications: tuple[Notification, ...] = ()
    named = data.named(path)
    if named is msgspec.UNSET:
        rejected = _left_out(EventReason.NO_RECIPIENTS, f"nothing stands at {path}", pointer)
    elif named is not None:
        places = data.places(path)
        try:
            found, unknown = recipients(named, pointer, pointers=places.pointers if places else None, most=MAX_LISTED)
        except Invalid as error:
            return _rejected(workflow, error)
        left_out = tuple(map(_of, unknown)) + (_missing(places) if places else ())
        seen = data.seen_by(path)
        request = _request(received, data, workflow, seen, found if len(found) <= MAX_RECIPIENTS else ())
        if len(found) > MAX_RECIPIENTS:
            try:
                fanout = start_fanout(request, workflow, listed=found)
            except Invalid as error:
                return _rejected(workflow, error)
            return EventPart(workflow=workflow.key, version=workflow.version, fanout=fanout, left_out=left_out)
        if len(seen) * len(found) > MAX_EXPANDED:
            detail = f"{len(seen)} bytes of data for {len(found)} recipients are too much at once"
            rejected = _left_out(EventReason.EXPANDED_TOO_LARGE, detail, pointer)
        elif found:
            notifications = tuple(expand(request, workflow))
        elif left_out:
            rejected = left_out[0]
    return EventPart(
        workflow=workflow.key,
        version=workflow.version,
        notifications=notifications,
        rejected=rejected,
        left_out=left_out,
    )


def _audience(received: ReceivedEvent, data: EventData, workflow: Workflow, audience: Audience) -> EventPart:
    try:
        topic = None if audience.topic is None else topic_of(audience.topic, data.lookup)
        request = _request(received, data, workflow, data.seen_by(""))
        fanout = start_fanout(request, workflow, topic=topic, where=audience.where)
    except Invalid as error:
        return _rejected(workflow, error)
    return EventPart(workflow=workflow.key, version=workflow.version, fanout=fanout)


def _request(
    received: ReceivedEvent, data: EventData, workflow: Workflow, seen: bytes, found: tuple[Recipient, ...] = ()
) -> Request:
    """What starts the workflow; for nobody yet where a fan-out finds them."""
    return Request(
        tenant=received.tenant,
        event_id=received.id,
        event_type=received.event.type,
        source=received.event.source,
        recipients=found,
        data=seen,
        accepted_at=received.accepted_at,
        actor=user_id_of(data.lookup(workflow.actor)) if workflow.actor else None,
        traceparent=received.event.attributes.get("traceparent"),
        collapse_key=collapse_key_of(data.lookup(workflow.collapse_key)) if workflow.collapse_key else None,
        event_time=_event_time(received, workflow),
        subject=received.event.subject,
        test=received.event.is_test,
        supersedes=_superseded(received),
    )


def _superseded(received: ReceivedEvent) -> str | None:
    """Of the same tenant; of tests, a test."""
    event, earlier = received.event, received.event.supersedes
    return ids.event_id(received.tenant, event.source, earlier, test=event.is_test) if earlier else None


def _rejected(workflow: Workflow, error: Invalid) -> EventPart:
    return EventPart(workflow=workflow.key, version=workflow.version, rejected=_of(error))


def _missing(places: EntryPlaces) -> tuple[LeftOut, ...]:
    return tuple([_left_out(EventReason.NO_RECIPIENTS, "nothing stands there", each) for each in places.missing])


def _not_for(received: ReceivedEvent, data: EventData, workflow: Workflow) -> EventPart | None:
    """What a workflow makes of an event that it does not want, or whose data it cannot take; None: it takes it."""
    if workflow.when is not None:
        clause = failing(workflow.when, event_lookup(data.value, received.event.attributes))
        if clause is not None:
            why = _left_out(EventReason.CONDITION, f"{clause} is not as the workflow's `when` asks")
            return EventPart(workflow=workflow.key, version=workflow.version, passed_over=why)
    if workflow.validator is not None and (wrong := faults(workflow.validator, data.value, most=1)):
        [(pointer, detail)] = wrong
        invalid = _left_out(EventReason.INVALID_DATA, detail, f"/data{pointer}")
        return EventPart(workflow=workflow.key, version=workflow.version, rejected=invalid)
    return None


def _event_time(received: ReceivedEvent, workflow: Workflow) -> int | None:
    """For the workflows that ask which of two events is newer."""
    if workflow.is_plain and workflow.collapse_key is None:
        return None
    return event_time_of(received.event.attributes.get("time"), received.accepted_at)


def _left_out(reason: EventReason, detail: str, pointer: str | None = None) -> LeftOut:
    return LeftOut(reason=reason.value, detail=detail, pointer=pointer)


def _of(error: Invalid) -> LeftOut:
    return LeftOut(reason=error.code, detail=error.detail, pointer=error.pointer)
