"""Quiet hours: time zones and daylight saving live here only.

An instant is quiet when its wall-clock time in the user's zone stands in a window; the start belongs to the
window, the end does not, and a window across midnight belongs to the day it starts. So a repeated hour is
quiet twice, and a window whose end is skipped ends at the first instant after the skip.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from shared.model.clock_changes import clock_change, offset_at
from shared.model.quiet_windows import DAY_MINUTES, WEEKDAYS, QuietHours, Window, zone_info
from shared.model.timestamps import DAY_MS

MINUTE_MS: Final = 60_000
EPOCH_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday."""
DAYS_AHEAD: Final = 16
"""Not all of a week is quiet, so a quiet time ends within one, or within two if the clock skips the only gap."""
DAYS_BACK: Final = 2


def is_quiet(hours: QuietHours | None, zone: str, now: int) -> bool:
    """Whether noisy channels wait at `now`, milliseconds since the epoch."""
    return quiet_until(hours, zone, now) is not None


def quiet_until(hours: QuietHours | None, zone: str, now: int) -> int | None:
    """When the quiet time around `now` ends; None when it is not quiet. Milliseconds since the epoch."""
    if hours is None or not hours.enabled:
        return None
    starts, ends = _intervals(hours.windows, zone, now // DAY_MS)
    position = bisect_right(starts, now) - 1
    return ends[position] if position >= 0 and now < ends[position] else None


def next_quiet(hours: QuietHours | None, zone: str, now: int) -> int | None:
    """When the next quiet time begins, within some days; None when none does."""
    if hours is None or not hours.enabled:
        return None
    starts, _ = _intervals(hours.windows, zone, now // DAY_MS)
    position = bisect_right(starts, now)
    return starts[position] if position < len(starts) else None


@lru_cache(maxsize=50_000)
def _intervals(windows: tuple[Window, ...], zone: str, day: int) -> tuple[list[int], list[int]]:
    """Starts and ends of all quiet times around a UTC day, sorted and apart."""
    by_day = _minutes_by_weekday(windows)
    starts: list[int] = []
    ends: list[int] = []
    for left, right, offset in _spans(zone_info(zone), (day - DAYS_BACK) * DAY_MS, (day + DAYS_AHEAD) * DAY_MS):
        # Where the offset stays the same, wall-clock time is the instant plus the offset.
        for wall_day in range((left + offset) // DAY_MS, (right + offset) // DAY_MS + 1):
            midnight = wall_day * DAY_MS - offset
            for first, last in by_day[(wall_day + EPOCH_WEEKDAY) % 7]:
                start, end = max(left, midnight + first * MINUTE_MS), min(right, midnight + last * MINUTE_MS)
                if start >= end:
                    continue
                if ends and start <= ends[-1]:
                    ends[-1] = max(ends[-1], end)
                else:
                    starts.append(start)
                    ends.append(end)
    return starts, ends


def _spans(info: ZoneInfo, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """The time between two instants in spans of one UTC offset each: (from, until, offset), milliseconds."""
    left = first
    for midnight in range(first, last, DAY_MS):
        change = clock_change(info, midnight, midnight + DAY_MS)
        if change is not None:
            yield left, change, offset_at(info, left)
            left = change
    yield left, last, offset_at(info, left)


def _minutes_by_weekday(windows: tuple[Window, ...]) -> list[list[tuple[int, int]]]:
    """For each weekday the quiet minutes [from, until) of that day in order, what came over midnight included."""
    days: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
    for window in windows:
        start, until = window.minutes
        for name in window.days:
            position = WEEKDAYS.index(name)
            days[position].append((start, min(until, DAY_MINUTES)))
            if until > DAY_MINUTES:
                days[(position + 1) % 7].append((0, until - DAY_MINUTES))
    return [sorted(day) for day in days]
