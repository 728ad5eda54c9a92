"""Brings redriven letters to the log, and carries redrives of many on: one console at a time, by a lease.

Whatever is repeated after a crash is the same: a letter says itself what is to be written for it, and `decide` drops a
record of a subject and generation that it has met.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from services.console.core.paging import PagePlace
from services.console.letters.changes import LetterChanges
from services.console.letters.core.deeds import of_job, of_letter
from services.console.letters.core.jobs import JobCounts, RedriveJob
from services.console.letters.core.letter_row import DeadLetterRow, StoredRedrive
from services.console.letters.core.redriving import Obstacle, obstacle, redrive_of, redrive_output
from services.console.letters.job_rows import JobStore
from shared.model.audit import AuditEntry
from shared.model.dead_letters import DeadLetterState
from shared.model.ports import RecordWriter
from shared.model.topics import Topics
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import DEAD_LETTERS_REDRIVEN
from shared.process.retries import retry_until_available

IDLE_SECONDS: Final = 0.5
MAX_LETTERS: Final = 100
MAX_JOBS: Final = 1000
"""That are carried on in turn, a page of each: more than any tenants have under way, so that none waits for another's."""


class AuditWriter(Protocol):
    """Where deeds are kept."""

    async def write(self, entries: Sequence[AuditEntry], /) -> None:
        """Stores them; those that are there stay as they are. Raises MongoUnavailable."""
        ...


class Redriver:
    """Does what is wanted of letters. Waits for Kafka and MongoDB as long as it takes."""

    def __init__(
        self,
        *,
        letters: LetterChanges,
        jobs: JobStore,
        audit: AuditWriter,
        publisher: RecordWriter,
        topics: Topics,
        leads: Callable[[], Awaitable[bool]],
    ) -> None:
        """`leads`: whether this process is the one that does it."""
        self._letters = letters
        self._jobs = jobs
        self._audit = audit
        self._publisher = publisher
        self._topics = topics
        self._leads = leads
        self._free: dict[str, float] = {}
        """When the next page of a job may be taken, in monotonic seconds."""

    async def run(self) -> None:
        """Runs until cancelled, which is safe at any point."""
        while True:
            moved = await retry_until_available(self.turn)
            if not moved:
                await asyncio.sleep(IDLE_SECONDS)

    async def turn(self) -> bool:
        """One page of everything that is wanted; whether there was anything. Raises MongoUnavailable, KafkaUnavailable."""
        if not await self._leads():
            return False
        moved = await self._bring()
        running = await self._jobs.running(MAX_JOBS)
        self._free = {job.id: self._free.get(job.id, 0.0) for job in running}
        waits: list[float] = []
        for job in running:
            if (wait := self._free[job.id] - time.monotonic()) > 0:
                waits.append(wait)
                continue
            moved = True
            await self._carry_on(job)
        if not moved and waits:
            await asyncio.sleep(min(*waits, IDLE_SECONDS))
            return True
        return moved

    async def _carry_on(self, job: RedriveJob) -> None:
        """The next page of a job: taken, brought to the log, and only then behind it."""
        if job.place is None:
            await self._audit.write([of_job(job)])
        begun, page = time.monotonic(), await self._letters.page_of(job)
        if not page:
            await self._jobs.end(job)
            return
        taken, counts = _sorted_out(job, page)
        await self._letters.begin(taken)
        while await self._bring():
            pass
        self._free[job.id] = begun + counts.redriven / job.per_second
        await self._jobs.advance(job, PagePlace(page[-1]["at"], page[-1]["_id"]), counts)

    async def _bring(self) -> bool:
        """Writes what is on its way to the log; False when nothing was."""
        rows = await self._letters.redriving(MAX_LETTERS)
        if not rows:
            return False
        made = [redrive_output(self._topics, row) for row in rows]
        outputs = [output for output in made if output is not None]
        await self._publisher.publish(outputs)
        failpoint(Failpoint.AFTER_PRODUCE)
        await self._audit.write([deed for row in rows for deed in of_letter(row)])
        await self._letters.finish(rows)
        DEAD_LETTERS_REDRIVEN.inc(len(outputs))
        return True


def _sorted_out(job: RedriveJob, page: Sequence[DeadLetterRow]) -> tuple[dict[str, StoredRedrive], JobCounts]:
    """What of a page is to be sent again, and what becomes of each letter; what an earlier try has begun counts here."""
    now = now_ms()
    taken: dict[str, StoredRedrive] = {}
    expired = not_whole = 0
    for row in page:
        if row["state"] != DeadLetterState.OPEN:
            continue
        stands = obstacle(row, now, forced=job.forced)
        if stands is Obstacle.EXPIRED:
            expired += 1
        elif stands is not None:
            not_whole += 1
        else:
            taken[row["_id"]] = redrive_of(row, by=job.by, at=now, forced=job.forced, job=job.id)
    redriven = len(page) - expired - not_whole
    return taken, JobCounts(redriven=redriven, expired=expired, not_whole=not_whole)
