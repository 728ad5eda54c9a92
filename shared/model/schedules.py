"""Schedules: sends that repeat by a cron expression, in one zone or in each recipient's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec
import orjson

from shared.model import ids
from shared.model.collapse_keys import collapse_key_of
from shared.model.crons import latest_time, next_time
from shared.model.data_paths import value_at
from shared.model.errors import Invalid
from shared.model.expansion import Request
from shared.model.fanouts import StartedFanout, start_fanout
from shared.model.local_times import EASTERNMOST_MS, LocalTime
from shared.model.recipients import MAX_RECIPIENTS, Recipient
from shared.model.workflow_recipients import Audience
from shared.model.workflows import Workflow

EACH_RECIPIENTS: Final = "recipient"
"""As a zone: the one where each recipient is."""
EVENT_TYPE: Final = "carillon.schedule"
SOURCE: Final = "carillon:schedule"
MAX_SCHEDULES: Final = 10_000
"""Of one tenant."""
MAX_PAGE_BYTES: Final = 4 * 1_048_576
"""Of the data of schedules that are listed together, and of one more."""
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class ScheduleState(StrEnum):
    """Whether it fires."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"
    """There is no time left before its end."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sent when, and how far it is. Times are milliseconds since the epoch; `data` stays raw JSON."""

    id: str
    tenant: str
    workflow: str
    recipients: tuple[Recipient, ...]
    data: msgspec.Raw
    cron: str
    zone: str
    """IANA, or EACH_RECIPIENTS."""
    created_at: int
    audience: Audience | None = None
    """Whom it goes to instead of the recipients."""
    starts_at: int | None = None
    """It does not fire before this."""
    ends_at: int | None = None
    """It does not fire at this or later."""
    state: ScheduleState = ScheduleState.ACTIVE
    next_at: int | None = None
    """When it fires next; none while it is not active."""
    last_at: int | None = None
    """The time for which it fired last."""
    version: int = 0
    """One more with each change."""
    test: bool = False
    """A test key made it: what it sends is a test."""

    @property
    def is_fanout(self) -> bool:
        """Whether they are too many to be expanded at once."""
        return self.audience is not None or len(self.recipients) > MAX_RECIPIENTS

    @property
    def shift(self) -> int:
        """How much earlier it fires than the clocks of its zone say: where the day begins first, for all recipients."""
        return EASTERNMOST_MS if self.zone == EACH_RECIPIENTS else 0

    @property
    def clock(self) -> str:
        """The zone by which its times are found."""
        return "UTC" if self.zone == EACH_RECIPIENTS else self.zone


class Firing(NamedTuple):
    """One time for which a schedule fires, and how the schedule stands after it."""

    at: int
    after: Schedule


def check_schedule_id(text: str, pointer: str) -> str:
    """An id that can stand in a path, as it is. Raises Invalid."""
    if not _ID.fullmatch(text):
        raise Invalid("invalid_schedule_id", "an id has 1 to 100 letters, digits, `_`, `-` and `.`", pointer)
    return text


def next_fire(schedule: Schedule, after: int) -> int | None:
    """The first time after `after` at which it fires; None when its end comes first, or nothing in 50 years."""
    earliest = max(after + schedule.shift, (schedule.starts_at or 0) - 1)
    found = next_time(schedule.cron, schedule.clock, earliest)
    if found is None or (schedule.ends_at is not None and found >= schedule.ends_at):
        return None
    return found - schedule.shift


def activated(schedule: Schedule, now: int) -> Schedule:
    """The schedule as it goes on from now: what it missed while it was paused is not made up for."""
    return _with_next(schedule, next_fire(schedule, now))


def paused(schedule: Schedule) -> Schedule:
    """The schedule that does not fire until it is activated."""
    return msgspec.structs.replace(schedule, state=ScheduleState.PAUSED, next_at=None)


def due_firing(schedule: Schedule, now: int) -> Firing | None:
    """The latest time that is due, and the schedule after it; None when nothing is.

    Of several that were missed, while nobody was there to fire, only the latest is made up for.
    """
    if schedule.next_at is None or schedule.next_at > now:
        return None
    shift = schedule.shift
    until = now if schedule.ends_at is None else min(now, schedule.ends_at - shift - 1)
    at = latest_time(schedule.cron, schedule.clock, schedule.next_at + shift, until + shift) - shift
    after = _with_next(schedule, next_fire(schedule, max(at, now)))
    return Firing(at, msgspec.structs.replace(after, last_at=at))


def request_of(schedule: Schedule, workflow: Workflow, at: int, now: int) -> Request:
    """What is sent for one of its times. The same time again is the same event, so its notifications are the same."""
    local, path = None, workflow.collapse_key
    if schedule.zone == EACH_RECIPIENTS:
        wall = datetime.fromtimestamp((at + EASTERNMOST_MS) / 1000, UTC)
        local = LocalTime(date=wall.strftime("%Y-%m-%d"), time=wall.strftime("%H:%M"))
    return Request(
        tenant=schedule.tenant,
        event_id=ids.derive("schedule", schedule.tenant, schedule.id, schedule.created_at, at),
        event_type=EVENT_TYPE,
        source=SOURCE,
        recipients=schedule.recipients,
        data=bytes(schedule.data),
        accepted_at=now,
        deliver_local=local,
        collapse_key=collapse_key_of(value_at(orjson.loads(schedule.data), path)) if path else None,
        test=schedule.test,
    )


def fanout_of(schedule: Schedule, workflow: Workflow, at: int, now: int) -> StartedFanout:
    """The same, for more than are expanded at once. Raises Invalid when the data is too much for that."""
    request, audience = request_of(schedule, workflow, at, now), schedule.audience
    if audience is None:
        started = start_fanout(request, workflow, listed=schedule.recipients)
        return msgspec.structs.replace(started, named_at=schedule.created_at)
    return start_fanout(request, workflow, topic=audience.topic, where=audience.where)


def is_full(page: Sequence[Schedule], most: int) -> bool:
    """Whether more may come after a page of at most so many."""
    return len(page) == most or sum(len(one.data) for one in page) >= MAX_PAGE_BYTES


def is_same(schedule: Schedule, other: Schedule) -> bool:
    """Whether both say the same, however far they are."""
    return _definition(schedule) == _definition(other)


def _definition(schedule: Schedule) -> bytes:
    return _encoder.encode(
        msgspec.structs.replace(
            schedule,
            created_at=0,
            state=ScheduleState.ACTIVE,
            next_at=None,
            last_at=None,
            version=0,
        )
    )


def _with_next(schedule: Schedule, at: int | None) -> Schedule:
    state = ScheduleState.ENDED if at is None else ScheduleState.ACTIVE
    return msgspec.structs.replace(schedule, state=state, next_at=at)


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Schedule)


def encode_schedule(schedule: Schedule) -> bytes:
    """As it is stored."""
    return _encoder.encode(schedule)


def decode_schedule(raw: bytes, version: int) -> Schedule:
    """What is stored under a version. Raises msgspec.DecodeError for what nobody of us wrote."""
    return msgspec.structs.replace(_decoder.decode(raw), version=version)
