"""Settings of the migration."""

from __future__ import annotations

from pydantic import Field

from shared.mongo.indexes import (
    GUARD_DAYS,
    LEAST_GUARD_DAYS,
    LONGEST_WAIT_DAYS,
    ROLLUP_DAY_DAYS,
    ROLLUP_HOUR_DAYS,
    ROLLUP_MINUTE_DAYS,
    Retention,
)
from shared.process.settings import Settings


class MigrationSettings(Settings):
    """What `carillon migrate` needs besides."""

    guard_days: int = Field(
        GUARD_DAYS,
        ge=LEAST_GUARD_DAYS,
        le=3650,
        description="days that decisions, deliveries, expansions and Idempotency-Keys are kept, so that nothing is done "
        "twice",
    )
    inbox_days: int = Field(
        365, ge=GUARD_DAYS, le=36_500, description="days that an inbox item is kept; it guards against replays, too"
    )
    cancellation_days: int = Field(
        LONGEST_WAIT_DAYS,
        ge=LONGEST_WAIT_DAYS,
        le=36_500,
        description="days that a cancellation is remembered: no shorter than what it cancelled may wait",
    )
    rollup_minute_days: int = Field(
        ROLLUP_MINUTE_DAYS, ge=ROLLUP_MINUTE_DAYS, le=90, description="days that analytics by minute are kept"
    )
    rollup_hour_days: int = Field(
        ROLLUP_HOUR_DAYS, ge=ROLLUP_HOUR_DAYS, le=3650, description="days that analytics by hour are kept"
    )
    rollup_day_days: int = Field(
        ROLLUP_DAY_DAYS, ge=ROLLUP_HOUR_DAYS, le=36_500, description="days that analytics by day are kept"
    )

    @property
    def retention(self) -> Retention:
        """For how many days what is kept."""
        return Retention(
            guards=self.guard_days,
            inbox=self.inbox_days,
            cancellations=self.cancellation_days,
            rollup_minutes=self.rollup_minute_days,
            rollup_hours=self.rollup_hour_days,
            rollup_days=self.rollup_day_days,
        )
