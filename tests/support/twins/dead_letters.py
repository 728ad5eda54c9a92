"""The console's dead letters, redrives of many and the audit log in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec

from services.console.core.paging import PagePlace
from services.console.letters.core.answers import DeadLetterGroups, group
from services.console.letters.core.jobs import JobCounts, JobState, RedriveJob
from services.console.letters.core.letter_filter import LetterFilter, WantedState, query_of
from services.console.letters.core.letter_row import DeadLetterRow, StoredRedrive
from shared.model.audit import AuditEntry
from shared.model.dead_letters import DeadLetterState
from shared.model.errors import MongoUnavailable
from shared.model.formats import FORMAT
from shared.model.timestamps import to_datetime
from shared.process.clock import now_ms
from tests.support.twins.outages import Outages

CONTENTS = ("value", "headers")


class MemoryDeadLetters:
    """A LetterStore and LetterChanges, and what the API asks of them."""

    def __init__(self) -> None:
        self.rows: dict[str, DeadLetterRow] = {}
        self.outages = Outages(MongoUnavailable)

    async def insert(self, rows: Sequence[DeadLetterRow]) -> int:
        async with self.outages.call():
            before = len(self.rows)
            for row in rows:
                self.rows.setdefault(row["_id"], row)
            return len(self.rows) - before

    async def find(self, tenant: str, letter: str) -> DeadLetterRow | None:
        row = self.rows.get(letter)
        return row if row is not None and row["tenant"] == tenant else None

    async def page(
        self, tenant: str, wanted: LetterFilter, state: WantedState, *, after: PagePlace | None, most: int
    ) -> list[DeadLetterRow]:
        found = [row for row in self._meant(tenant, wanted, state) if after is None or _place(row) < after]
        return [_without_contents(row) for row in sorted(found, key=_place, reverse=True)[:most]]

    async def groups(self, tenant: str, wanted: LetterFilter, state: WantedState) -> DeadLetterGroups:
        found: dict[tuple[str, str, str], list[datetime]] = {}
        for row in self._meant(tenant, wanted, state):
            found.setdefault((row["channel"], row["reason"], row["code"]), []).append(row["at"])
        groups = [
            group(channel=key[0], reason=key[1], code=key[2], count=len(at), oldest=min(at), newest=max(at))
            for key, at in sorted(found.items(), key=lambda one: (-len(one[1]), one[0]))
        ]
        return DeadLetterGroups(groups=groups, complete=True)

    def _meant(self, tenant: str, wanted: LetterFilter, state: WantedState) -> list[DeadLetterRow]:
        query = query_of(tenant, wanted, state)
        return [row for row in self.rows.values() if _matches(row, query)]

    async def redriving(self, most: int) -> list[DeadLetterRow]:
        async with self.outages.call():
            found = [
                row
                for row in self.rows.values()
                if row["state"] == DeadLetterState.REDRIVING and row.get("format", 1) <= FORMAT
            ]
            return sorted(found, key=_place)[:most]

    async def finish(self, rows: Sequence[DeadLetterRow]) -> None:
        async with self.outages.call():
            for row in rows:
                known = self.rows[row["_id"]]
                same = known.get("redrive", {}).get("generation") == row["redrive"]["generation"]
                if known["state"] == DeadLetterState.REDRIVING and same:
                    self._set(row["_id"], state=DeadLetterState.REDRIVEN.value)

    async def page_of(self, job: RedriveJob) -> list[DeadLetterRow]:
        async with self.outages.call():
            found = [
                row
                for row in self._meant(job.tenant, job.filter, WantedState.ANY)
                if row["created_at"] <= to_datetime(job.started_at)
                and (row["state"] == DeadLetterState.OPEN or row.get("redrive", {}).get("job") == job.id)
                and (job.place is None or _place(row) > job.place)
            ]
            return [_without_contents(row) for row in sorted(found, key=_place)[: job.page]]

    async def begin(self, redrives: Mapping[str, StoredRedrive]) -> None:
        async with self.outages.call():
            for letter, redrive in redrives.items():
                if self.rows[letter]["state"] == DeadLetterState.OPEN:
                    self._set(letter, state=DeadLetterState.REDRIVING.value, redrive=redrive)

    async def begin_again(self, letter: str, before: int, redrive: StoredRedrive) -> None:
        row = self.rows[letter]
        if row["state"] == DeadLetterState.REDRIVEN and row["redrive"]["generation"] == before:
            self._set(letter, state=DeadLetterState.REDRIVING.value, redrive=redrive)

    async def discard(self, tenant: str, letter: str, by: str) -> None:
        row = await self.find(tenant, letter)
        if row is not None and row["state"] == DeadLetterState.OPEN:
            self._set(letter, state=DeadLetterState.DISCARDED.value, discarded_by=by)

    def _set(self, letter: str, **changes: Any) -> None:
        self.rows[letter] = cast("DeadLetterRow", {**self.rows[letter], **changes})


class MemoryJobs:
    """A JobStore."""

    def __init__(self) -> None:
        self.rows: dict[str, RedriveJob] = {}
        self.outages = Outages(MongoUnavailable)

    async def insert(self, job: RedriveJob) -> None:
        self.rows.setdefault(job.id, job)

    async def running(self, most: int) -> list[RedriveJob]:
        async with self.outages.call():
            return [job for job in self.rows.values() if job.state is JobState.RUNNING][:most]

    async def advance(self, job: RedriveJob, place: PagePlace, counts: JobCounts) -> bool:
        async with self.outages.call():
            known = self.rows[job.id]
            if known.place != job.place or known.state is not JobState.RUNNING:
                return False
            self.rows[job.id] = msgspec.structs.replace(known, place=place, counts=known.counts.plus(counts))
            return True

    async def end(self, job: RedriveJob) -> None:
        if self.rows[job.id].place == job.place:
            await self._end(job.id, JobState.DONE)

    async def cancel(self, tenant: str, job: str) -> RedriveJob | None:
        await self._end(job, JobState.CANCELLED)
        return await self.find(tenant, job)

    async def _end(self, job: str, state: JobState) -> None:
        known = self.rows.get(job)
        if known is not None and known.state is JobState.RUNNING:
            self.rows[job] = msgspec.structs.replace(known, state=state, ended_at=now_ms())

    async def find(self, tenant: str, job: str) -> RedriveJob | None:
        found = self.rows.get(job)
        return found if found is not None and found.tenant == tenant else None


class MemoryAudit:
    """An AuditWriter."""

    def __init__(self) -> None:
        self.entries: dict[str, AuditEntry] = {}

    async def write(self, entries: Sequence[AuditEntry]) -> None:
        for entry in entries:
            self.entries.setdefault(entry.id, entry)


def _place(row: DeadLetterRow) -> PagePlace:
    return PagePlace(row["at"], row["_id"])


def _without_contents(row: DeadLetterRow) -> DeadLetterRow:
    kept = {name: value for name, value in row.items() if name not in CONTENTS}
    if "redrive" in row:
        kept["redrive"] = {name: value for name, value in row["redrive"].items() if name != "data"}
    return cast("DeadLetterRow", kept)


def _matches(row: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    times = query.get("at", {})
    return all(row.get(name) == value for name, value in query.items() if name != "at") and (
        ("$gte" not in times or row["at"] >= times["$gte"]) and ("$lt" not in times or row["at"] < times["$lt"])
    )
