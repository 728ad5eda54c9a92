"""A redrive of all letters that a filter finds: what it is to do, and how far it is."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from services.console.core.paging import PagePlace
from services.console.letters.core.letter_filter import LetterFilter
from shared.model.timestamps import from_datetime, rfc3339

MAX_PAGE: int = 100
"""Letters that are taken at once."""


class JobState(StrEnum):
    """How a redrive of many stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class JobCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the letters that were looked at."""

    redriven: int = 0
    expired: int = 0
    """They stay open: their notifications have expired, and it was not forced."""
    not_whole: int = 0
    """They stay open: there is no whole delivery to send."""

    def plus(self, other: JobCounts) -> JobCounts:
        """Both together."""
        return JobCounts(
            redriven=self.redriven + other.redriven,
            expired=self.expired + other.expired,
            not_whole=self.not_whole + other.not_whole,
        )


class RedriveJob(msgspec.Struct, frozen=True, kw_only=True):
    """One of them; it does not look at letters that came later than it. Times in milliseconds since the epoch."""

    id: str
    tenant: str
    by: str
    filter: LetterFilter
    forced: bool
    per_second: int
    state: JobState
    wanted: int
    """So many letters were meant when it began."""
    started_at: int
    counts: JobCounts = JobCounts()
    place: PagePlace | None = None
    """The last letter that was looked at, the oldest first."""
    ended_at: int | None = None

    @property
    def page(self) -> int:
        """How many letters are taken at once, so that those of a second are not taken at its beginning."""
        return max(1, min(MAX_PAGE, self.per_second // 5))


class JobShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A redrive of many as the API shows it."""

    id: str
    state: str
    by: str
    filter: LetterFilter
    forced: bool
    per_second: int
    wanted: int
    redriven: int
    expired: int
    not_whole: int
    started_at: str
    ended_at: str | None = None
    at: str | None = None
    """When the last letter that was looked at failed."""


class JobList(msgspec.Struct, frozen=True, kw_only=True):
    """Redrives of many, the newest first."""

    redrives: list[JobShown]


class RedrivePreview(msgspec.Struct, frozen=True, kw_only=True):
    """What a redrive of many would do now."""

    wanted: int
    to_redrive: int
    expired: int
    not_whole: int
    seconds: int
    """How long it would take."""


def shown_job(job: RedriveJob) -> JobShown:
    """The job for people."""
    return JobShown(
        id=job.id,
        state=job.state,
        by=job.by,
        filter=job.filter,
        forced=job.forced,
        per_second=job.per_second,
        wanted=job.wanted,
        redriven=job.counts.redriven,
        expired=job.counts.expired,
        not_whole=job.counts.not_whole,
        started_at=rfc3339(job.started_at),
        ended_at=None if job.ended_at is None else rfc3339(job.ended_at),
        at=None if job.place is None else rfc3339(from_datetime(job.place.at)),
    )
