"""Cron expressions in a time zone, correct where the clock changes (cronsim)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from cronsim import CronSim, CronSimError

from shared.model.errors import InvalidWorkflow
from shared.model.quiet_windows import zone_info
from shared.model.timestamps import from_datetime

FIELDS: Final = 5
_SOMETIME = datetime(2026, 1, 1, tzinfo=UTC)


def check_cron(expression: str, pointer: str) -> None:
    """Raises InvalidWorkflow for what is no cron expression of five fields, or one that never fires."""
    detail = f"{expression[:60]!r} is no cron expression of five fields, as 0 9 * * 1-5"
    if len(expression.split()) != FIELDS or not expression.isprintable():  # cronsim takes a sixth one, for seconds
        raise InvalidWorkflow("invalid_cron", detail, pointer)
    try:
        simulated = CronSim(expression, _SOMETIME)
    except CronSimError as error:
        raise InvalidWorkflow("invalid_cron", f"{detail}: {error}", pointer) from error
    if next(simulated, None) is None:
        raise InvalidWorkflow("invalid_cron", f"{expression[:60]!r} never fires", pointer)


@lru_cache(maxsize=10_000)
def next_time(expression: str, zone: str, after: int) -> int | None:
    """The first time after `after` (milliseconds since the epoch) in the zone; None when there is none in 50 years."""
    local = datetime.fromtimestamp(after / 1000, zone_info(zone))
    found = next(CronSim(expression, local), None)
    return None if found is None else from_datetime(found)
