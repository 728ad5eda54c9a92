"""Due schedules become notifications: claim, produce, store the next time; a crash anywhere repeats harmlessly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Final, Protocol

import structlog

from shared.model import expansion, ids, records
from shared.model.formats import NewerFormat
from shared.model.output_slices import in_slices
from shared.model.outputs import Output
from shared.model.ports import RecordWriter
from shared.model.quiet_windows import is_zone
from shared.model.schedules import Firing, Schedule, due_firing, request_of
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.mongo.schedules import DueSchedules
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import SCHEDULES_FIRED

MAX_FIRED: Final = 50
"""Schedules that are claimed together."""

log = structlog.get_logger()
NewestWorkflow = Callable[[str, str], Awaitable[Workflow | None]]
"""The newest version of a tenant's workflow, as it is published now. Raises NewerFormat and MongoUnavailable."""


class ScheduleClaims(Protocol):
    """The schedules whose time has come. Both methods raise MongoUnavailable."""

    async def claim(self, *, most: int, lease: timedelta) -> DueSchedules:
        """Claims up to `most` that are due; they are free again when the lease ends."""
        ...

    async def swap(self, before: Schedule | None, after: Schedule, /) -> bool:
        """Writes `after` if nobody has changed it since it was read, and frees it."""
        ...


class _Due:
    """A claimed schedule, the time for which it fires, and by which workflow."""

    def __init__(self, schedule: Schedule, firing: Firing, workflow: Workflow | None) -> None:
        self.schedule = schedule
        self.firing = firing
        self.workflow = workflow

    def outputs(self, topic: str, now: int) -> Iterator[Output]:
        if self.workflow is None:
            return
        for one in expansion.expand(request_of(self.schedule, self.workflow, self.firing.at, now), self.workflow):
            yield Output(topic, ids.user_key(one.tenant, one.user), records.encode(records.notify(one)), [])


async def fire_due(
    schedules: ScheduleClaims, newest: NewestWorkflow, publisher: RecordWriter, topics: Topics, *, lease: timedelta
) -> int:
    """Fires up to MAX_FIRED schedules and returns how many were claimed.

    Raises MongoUnavailable or KafkaUnavailable: what was claimed comes free when its lease ends, and fires for the same
    time under the same ids.
    """
    claimed = await schedules.claim(most=MAX_FIRED, lease=lease)
    ready = [
        one for one in await asyncio.gather(*(_ready(each, claimed.now, newest) for each in claimed.schedules)) if one
    ]
    outputs = (output for one in ready for output in one.outputs(topics.notifications, claimed.now))
    for some in in_slices(outputs):
        await publisher.publish(some)
        del some  # before the next one is made
    if ready:
        failpoint(Failpoint.AFTER_RELEASE)
        await asyncio.gather(*(schedules.swap(one.schedule, one.firing.after) for one in ready))
        SCHEDULES_FIRED.inc(len(ready))
    return len(claimed.schedules)


async def _ready(schedule: Schedule, now: int, newest: NewestWorkflow) -> _Due | None:
    """None for what a newer scheduler has to fire: it stays as it is until this lease ends."""
    about = {"tenant": schedule.tenant, "schedule": schedule.id, "workflow": schedule.workflow}
    if not is_zone(schedule.clock):
        log.error("schedule_waits", **about, reason="unknown zone", next="update this service, or its time zones")
        return None
    firing = due_firing(schedule, now)
    if firing is None:
        return None
    try:
        workflow = await newest(schedule.tenant, schedule.workflow)
    except NewerFormat as error:
        log.error("schedule_waits", **about, reason=str(error), next="update this service")
        return None
    if workflow is None:
        log.error("schedule_without_workflow", **about, next="publish the workflow, or delete the schedule")
    return _Due(schedule, firing, workflow)
