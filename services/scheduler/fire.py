"""Due schedules become notifications: claim, produce, store the next time; a crash anywhere repeats harmlessly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from typing import Final, NamedTuple, Protocol

import structlog

from shared.model import expansion, ids, records
from shared.model.fanouts import StartedFanout, start_outputs
from shared.model.formats import NewerFormat
from shared.model.output_slices import in_slices
from shared.model.outputs import Output
from shared.model.ports import RecordWriter
from shared.model.quiet_windows import is_zone
from shared.model.schedules import Firing, Schedule, due_firing, fanout_of, request_of
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


class FanoutRows(Protocol):
    """Where fan-outs are kept."""

    async def insert(self, fanouts: Sequence[StartedFanout], /) -> None:
        """Stores what is started; one that is there already stays as it is. Raises MongoUnavailable."""
        ...


class _Due(NamedTuple):
    """A claimed schedule, and what it sends for the time for which it fires."""

    schedule: Schedule
    firing: Firing
    workflow: Workflow | None
    fanout: StartedFanout | None = None

    def outputs(self, topics: Topics, now: int) -> Iterator[Output]:
        if self.fanout is not None:
            yield from start_outputs(topics, self.fanout)
        elif self.workflow is not None:
            named = records.named_at(self.schedule.created_at)
            for one in expansion.expand(request_of(self.schedule, self.workflow, self.firing.at, now), self.workflow):
                key = ids.user_key(one.tenant, one.user)
                yield Output(topics.notifications, key, records.encode(records.notify(one)), named)


class Firings:
    """Fires the schedules that are due."""

    def __init__(
        self,
        *,
        schedules: ScheduleClaims,
        fanouts: FanoutRows,
        newest: NewestWorkflow,
        publisher: RecordWriter,
        topics: Topics,
        lease: timedelta,
    ) -> None:
        self._schedules = schedules
        self._fanouts = fanouts
        self._newest = newest
        self._publisher = publisher
        self._topics = topics
        self._lease = lease

    async def fire(self) -> int:
        """Fires up to MAX_FIRED schedules and returns how many were claimed.

        Raises MongoUnavailable or KafkaUnavailable: what was claimed comes free when its lease ends, and fires for the same
        time under the same ids.
        """
        now, claimed = await self._schedules.claim(most=MAX_FIRED, lease=self._lease)
        due = [one for one in await asyncio.gather(*(_ready(each, now, self._newest) for each in claimed)) if one]
        await self._fanouts.insert([one.fanout for one in due if one.fanout is not None])
        for some in in_slices(output for one in due for output in one.outputs(self._topics, now)):
            await self._publisher.publish(some)
            del some  # before the next one is made
        if due:
            failpoint(Failpoint.AFTER_RELEASE)
            await asyncio.gather(*(self._schedules.swap(one.schedule, one.firing.after) for one in due))
            SCHEDULES_FIRED.inc(len(due))
        return len(claimed)


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
    fanout = fanout_of(schedule, workflow, firing.at, now) if workflow is not None and schedule.is_fanout else None
    return _Due(schedule, firing, workflow, fanout)
