"""The `redrives` collection: redrives of many, each carried on by compare-and-set on its place."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NotRequired, Protocol, TypedDict

import msgspec

from services.console.core.paging import PagePlace
from services.console.letters.core.jobs import JobCounts, JobState, RedriveJob
from services.console.letters.core.letter_filter import LetterFilter
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import Rows, insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms

_COUNTED: Final = JobCounts.__struct_fields__


class RedriveRow(TypedDict):
    """One redrive of many."""

    _id: str
    tenant: str
    by: str
    filter: dict[str, str]
    forced: bool
    per_second: int
    state: str
    wanted: int
    counts: dict[str, int]
    place: list[datetime | str] | None
    created_at: datetime
    ended_at: NotRequired[datetime]


class JobStore(Protocol):
    """What the redriver needs. All methods raise MongoUnavailable; then repeat the call."""

    async def running(self, most: int, /) -> list[RedriveJob]:
        """The oldest that are not at their end."""
        ...

    async def advance(self, job: RedriveJob, place: PagePlace, counts: JobCounts, /) -> bool:
        """The job has looked at the letters up to `place`; False when another process has carried it on."""
        ...

    async def end(self, job: RedriveJob, /) -> None:
        """Nothing is left for it to look at."""
        ...


class RedriveJobs:
    """The `redrives` collection. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.redrives

    async def insert(self, job: RedriveJob) -> None:
        """Stores a new one."""
        row: RedriveRow = {
            "_id": job.id,
            "tenant": job.tenant,
            "by": job.by,
            "filter": msgspec.to_builtins(job.filter),
            "forced": job.forced,
            "per_second": job.per_second,
            "state": job.state.value,
            "wanted": job.wanted,
            "counts": msgspec.to_builtins(job.counts),
            "place": None,
            "created_at": to_datetime(job.started_at),
        }
        await insert_new(self._rows, [row])

    async def running(self, most: int) -> list[RedriveJob]:
        """As JobStore says."""
        with mongo_border():
            found = self._rows.find({"state": JobState.RUNNING.value}).sort("created_at", 1).limit(most)
            return [_job(row) for row in await found.to_list(most)]

    async def advance(self, job: RedriveJob, place: PagePlace, counts: JobCounts) -> bool:
        """As JobStore says."""
        more = {f"counts.{name}": getattr(counts, name) for name in _COUNTED}
        with mongo_border():
            result = await self._rows.update_one(_as_it_was(job), {"$set": {"place": list(place)}, "$inc": more})
        return bool(result.matched_count)

    async def end(self, job: RedriveJob) -> None:
        """As JobStore says."""
        await self._end(_as_it_was(job), JobState.DONE)

    async def cancel(self, tenant: str, job: str) -> RedriveJob | None:
        """It looks at no further letter; one that has ended stays as it is. None: the tenant has no such job."""
        await self._end({"_id": job, "tenant": tenant, "state": JobState.RUNNING.value}, JobState.CANCELLED)
        return await self.find(tenant, job)

    async def _end(self, place: dict[str, object], state: JobState) -> None:
        with mongo_border():
            await self._rows.update_one(place, {"$set": {"state": state.value, "ended_at": to_datetime(now_ms())}})

    async def find(self, tenant: str, job: str) -> RedriveJob | None:
        """How far it is; None: the tenant has no such job."""
        with mongo_border():
            row = await self._rows.find_one({"_id": job, "tenant": tenant})
        return None if row is None else _job(row)

    async def newest(self, tenant: str, most: int) -> list[RedriveJob]:
        """The tenant's, the newest first."""
        with mongo_border():
            found = self._rows.find({"tenant": tenant}).sort("created_at", -1).limit(most)
            return [_job(row) for row in await found.to_list(most)]


def _as_it_was(job: RedriveJob) -> dict[str, object]:
    place = None if job.place is None else list(job.place)
    return {"_id": job.id, "state": JobState.RUNNING.value, "place": place}


def _job(row: RedriveRow) -> RedriveJob:
    place = row["place"]
    return RedriveJob(
        id=row["_id"],
        tenant=row["tenant"],
        by=row["by"],
        filter=LetterFilter(**row["filter"]),
        forced=row["forced"],
        per_second=row["per_second"],
        state=JobState(row["state"]),
        wanted=row["wanted"],
        counts=msgspec.convert(row["counts"], JobCounts),
        place=None if place is None else PagePlace(*place),  # type: ignore[arg-type]  # as `advance` wrote it
        started_at=from_datetime(row["created_at"]),
        ended_at=from_datetime(row["ended_at"]) if "ended_at" in row else None,
    )
