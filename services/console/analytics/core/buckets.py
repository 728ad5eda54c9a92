"""Minutes, hours and days in UTC, and from what each may still be counted. Times are milliseconds since the epoch."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from shared.model.timestamps import DAY_MS

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS


class RollupStep(StrEnum):
    """How long a rollup is."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> int:
        """In milliseconds."""
        return _LENGTHS[self]

    @property
    def finer(self) -> RollupStep:
        """What an hour or a day is made of."""
        return _FINER[self]

    def start_of(self, at: int) -> int:
        """When the rollup begins that `at` is in."""
        return at - at % self.length

    def end_of(self, at: int) -> int:
        """The first start that is not before `at`."""
        return self.start_of(at + self.length - 1)


_LENGTHS: Final = {RollupStep.MINUTE: MINUTE_MS, RollupStep.HOUR: HOUR_MS, RollupStep.DAY: DAY_MS}
_FINER: Final = {RollupStep.HOUR: RollupStep.MINUTE, RollupStep.DAY: RollupStep.HOUR}


class RollupPlace(NamedTuple):
    """One minute, hour or day of one tenant."""

    tenant: str
    start: int

    def within(self, step: RollupStep) -> RollupPlace:
        """The longer one that it is in."""
        return RollupPlace(self.tenant, step.start_of(self.start))


class Reach(NamedTuple):
    """How far back rollups may be counted anew: what they are counted from must be there as a whole."""

    minutes: int
    """Hours from here on have all of their minutes; earlier ones are counted from statuses."""
    days: int
    """Days from here on have all of their hours and statuses; earlier ones stay as they are."""

    @classmethod
    def at(cls, now: int, *, minute_days: int, status_days: int) -> Reach:
        """By how long minutes are kept, and statuses and hours; with room for what is removed meanwhile."""
        return cls(now - minute_days * DAY_MS + HOUR_MS, now - (status_days - 1) * DAY_MS)

    def has_minutes(self, at: int) -> bool:
        """Whether the hour around `at` is counted by its minutes."""
        return RollupStep.HOUR.start_of(at) >= self.minutes

    def is_over(self, at: int) -> bool:
        """Whether nothing around `at` may be counted anew."""
        return RollupStep.DAY.start_of(at) < self.days
