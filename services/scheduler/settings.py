"""Settings of the scheduler."""

from __future__ import annotations

from pydantic import Field

from shared.process.settings import Settings


class SchedulerSettings(Settings):
    """The one clock."""

    scheduler_batch: int = Field(500, ge=1, le=2000, description="holds claimed together")
    scheduler_lease_seconds: float = Field(10, gt=0, le=3600, description="how long the claim of a hold lasts")
    scheduler_idle_seconds: float = Field(0.25, gt=0, le=5, description="the longest wait between two looks")
