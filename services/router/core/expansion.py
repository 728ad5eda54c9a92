"""What an event came to: its parts, its state, and the records that must follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from services.router.core.parts import EventPart, LeftOut
from services.router.core.received_event import ReceivedEvent, TenantNotTrusted
from shared.model import ids
from shared.model.errors import InvalidEvent
from shared.model.events import FIRST_ACCEPTED
from shared.model.expansion import API_SOURCE, EventState
from shared.model.fanouts import StartedFanout, start_outputs
from shared.model.outputs import Output
from shared.model.reasons import EventReason
from shared.model.records import DETOUR, encode, notify
from shared.model.statuses import Subject, status
from shared.model.topics import Topics


class Expansion(msgspec.Struct, frozen=True, kw_only=True):
    """An event and what each workflow that it starts made of it."""

    received: ReceivedEvent
    parts: tuple[EventPart, ...]
    generation: int

    @property
    def id(self) -> str:
        """The event's id."""
        return self.received.id

    @property
    def rejected(self) -> LeftOut | None:
        """Why nothing of the event could be expanded; None when something was, or when there is nobody to notify."""
        rejected: LeftOut | None = None
        for part in self.parts:
            if part.notifications or part.fanout:
                return None
            rejected = rejected or part.rejected
        return rejected

    @property
    def state(self) -> EventState:
        """Dead when nothing of it could be expanded."""
        return EventState.EXPANDED if self.rejected is None else EventState.DEAD

    @property
    def fanouts(self) -> list[StartedFanout]:
        """Those of its parts. Of one that was sent again, a list names those who had their ids at the first time."""
        first = self.received.first_accepted_at
        return [msgspec.structs.replace(part.fanout, named_at=first) for part in self.parts if part.fanout is not None]

    @property
    def error(self) -> InvalidEvent | None:
        """What its dead letter says; None when it is none."""
        rejected = self.rejected
        return InvalidEvent(rejected.reason, rejected.detail, rejected.pointer) if rejected is not None else None


class StoredExpansion(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier reading of the same record stored: the workflow versions, as (key, version)."""

    received: ReceivedEvent
    workflows: tuple[tuple[str, int], ...]
    generation: int

    @property
    def versions(self) -> list[tuple[str, str, int]]:
        """Tenant, key and version of each workflow."""
        return [(self.received.tenant, key, version) for key, version in self.workflows]


def expansion_outputs(topics: Topics, expansion: Expansion) -> Iterator[Output]:
    """A record to decide for each notification, the event's status, and one for each part that was left out.

    Each is made when it is asked for: the data stands in all of them, and in memory once.
    """
    # Its source tells `decide` that a notification came by way of an event, unless it says what only ingest should say.
    headers = [(DETOUR, b"1")] if expansion.received.event.source == API_SOURCE else []
    if expansion.received.first_accepted_at is not None:
        headers = [*headers, (FIRST_ACCEPTED, str(expansion.received.first_accepted_at).encode())]
    for part in expansion.parts:
        for found in part.notifications:
            yield Output(topics.notifications, ids.user_key(found.tenant, found.user), encode(notify(found)), headers)
        if part.fanout is not None:
            yield from start_outputs(topics, part.fanout)
    yield _event_status(topics, expansion)
    for part in expansion.parts:
        if part.left_out or part.rejected is not None:
            for left_out in _left_out(part):
                yield _part_status(topics, expansion, part, left_out)


def untrusted_status(topics: Topics, error: TenantNotTrusted) -> Output:
    """The status of an event that goes to the dead letters because it names another tenant than its topic's own."""
    data = {
        "workflows": (),
        "notifications": (),
        "reason": error.code,
        "detail": error.detail,
        "pointer": error.pointer,
        "dead_letter": topics.events_dlq,
    }
    received = error.received
    return _status(topics, received, "not_expanded", Subject(received.id, received.generation, 0), data)


def _event_status(topics: Topics, expansion: Expansion) -> Output:
    rejected, parts = expansion.rejected, expansion.parts
    data: dict[str, object] = {
        "workflows": [f"{part.workflow} v{part.version}" for part in parts],
        "notifications": [found.id for part in parts for found in part.notifications],
    }
    if rejected is not None:
        data |= msgspec.to_builtins(rejected) | {"dead_letter": topics.events_dlq}
    elif fanouts := [part.fanout.id for part in parts if part.fanout is not None]:
        data["fanouts"] = fanouts
    elif not data["notifications"]:
        data |= _for_nobody(parts)
    state = "expanded" if rejected is None else "not_expanded"
    return _status(topics, expansion.received, state, Subject(expansion.id, expansion.generation, 0), data)


def _for_nobody(parts: Sequence[EventPart]) -> dict[str, object]:
    """Why an event that could be expanded became nothing."""
    if not parts:
        return {"reason": EventReason.NO_WORKFLOW.value}
    why = [part.passed_over for part in parts if part.passed_over is not None]
    if len(why) < len(parts):
        return {"reason": EventReason.NOBODY_NAMED.value}
    return msgspec.to_builtins(why[0])  # type: ignore[no-any-return]  # a struct is a dict there


def _left_out(part: EventPart) -> Iterator[LeftOut]:
    """Each recipient that was left out, and the workflow itself for another reason than theirs."""
    yield from part.left_out
    if part.rejected is not None and part.rejected not in part.left_out:
        yield part.rejected


def _part_status(topics: Topics, expansion: Expansion, part: EventPart, left_out: LeftOut) -> Output:
    subject = ids.derive("part", expansion.id, part.workflow, left_out.pointer or "")
    data = {"workflow": part.workflow, "version": part.version, **msgspec.to_builtins(left_out)}
    return _status(topics, expansion.received, "not_expanded", Subject(subject, expansion.generation, 0), data)


def _status(
    topics: Topics, received: ReceivedEvent, state: str, subject: Subject, data: Mapping[str, object]
) -> Output:
    """A status of an event or of a part of it, in the order of the event's own."""
    about: dict[str, object] = {
        "event": received.id,
        "event_type": received.event.type,
        "source": received.event.source,
        "source_id": received.event.id,
    }
    return status(
        topics.statuses,
        area="event",
        state=state,
        subject=subject,
        tenant=received.tenant,
        user=received.id,
        at=received.accepted_at,
        data={**about, **data},
    )
