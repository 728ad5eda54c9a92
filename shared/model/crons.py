"""Cron expressions in a time zone, correct where the clock changes.

What names hours fires once for each time of day that it names: at the first of two where the clock repeats it, at the
first instant after the gap where it is skipped (several that are skipped are one). What fires in every hour goes on
through both as if there were no change.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Final

from cronsim import CronSim, CronSimError

from shared.model.clock_changes import instant_of_wall
from shared.model.errors import Invalid, InvalidWorkflow
from shared.model.quiet_windows import zone_info
from shared.model.timestamps import from_datetime

MAX_CRON: Final = 200
_FIELDS: Final = 5
_STEP: Final = re.compile(r"/(\d+)")
_SOMETIME: Final = datetime(2026, 1, 1)  # noqa: DTZ001  # wall-clock time, of no zone
_EVERY_HOUR: Final = frozenset(range(24))
_SIZES: Final = (60, 24, 31, 12, 7)
"""How many values each field has."""


class InvalidCron(Invalid):
    """No cron expression, or one that never fires."""


def cron(text: str, pointer: str) -> str:
    """The expression as it is kept. Raises InvalidCron for none of five fields, or one that never fires."""
    expression = " ".join(text.split()) if len(text) <= MAX_CRON else ""
    shown = f"{text[:60]!r}"
    if expression.count(" ") != _FIELDS - 1 or not expression.isascii():
        raise InvalidCron("invalid_cron", f"{shown} is no cron expression of five fields, as 0 9 * * 1-5", pointer)
    try:
        first = next(CronSim(expression, _SOMETIME), None)
    except (CronSimError, ValueError, AssertionError, RecursionError) as error:
        detail = f"{shown} is no cron expression of five fields, as 0 9 * * 1-5: {error}"
        raise InvalidCron("invalid_cron", detail, pointer) from error
    if first is None:
        raise InvalidCron("invalid_cron", f"{shown} never fires", pointer)
    for field, size in zip(expression.split(" "), _SIZES, strict=True):
        for step in _STEP.findall(field):
            if int(step) >= size:
                detail = (
                    f"{shown}: a field of {size} values begins anew each time, so /{step} would be its first one alone"
                )
                raise InvalidCron("invalid_cron", detail, pointer)
    return expression


def check_cron(expression: str, pointer: str) -> None:
    """The same for a workflow's file. Raises InvalidWorkflow."""
    try:
        cron(expression, pointer)
    except InvalidCron as error:
        raise InvalidWorkflow(error.code, error.detail, pointer) from error


@lru_cache(maxsize=10_000)
def next_time(expression: str, zone: str, after: int) -> int | None:
    """The first time after `after` (milliseconds since the epoch) in the zone; None when there is none in 50 years."""
    info = zone_info(zone)
    local = datetime.fromtimestamp(after / 1000, info)
    simulated = CronSim(expression, local.replace(tzinfo=None))
    if simulated.hours == _EVERY_HOUR:
        # With seconds it goes by elapsed time, without by a rule of its own.
        found = next(CronSim(f"0 {expression}", local), None)
        return None if found is None else from_datetime(found)
    # In a repeated hour the times before this one on the wall have been; the others are there again, and have been, too.
    for wall in simulated:
        instant = instant_of_wall(wall, info)
        if instant > after:
            return instant
    return None


def latest_time(expression: str, zone: str, first: int, until: int) -> int:
    """The last time up to `until`, where `first` is one: at `until` at the latest. Milliseconds since the epoch."""
    found, nothing_after = first, until
    while (later := next_time(expression, zone, found)) is not None and later <= until:
        middle = (found + nothing_after) // 2
        candidate = next_time(expression, zone, middle)
        if candidate is not None and candidate <= until:
            found = candidate
        else:
            nothing_after = middle
    return found
