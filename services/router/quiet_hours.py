"""Quiet hours (pure): time zones and daylight saving live here only.

An instant is quiet when its wall-clock time in the user's zone stands in a window; the start belongs to the
window, the end does not, and a window across midnight belongs to the day it starts. So a repeated hour is
quiet twice, and a window whose end is skipped ends at the first instant after the skip.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from shared.profiles import DAY_MINUTES, WEEKDAYS, QuietHours, Window, zone_info

DAY_MS: Final = 86_400_000
DAYS_AHEAD: Final = 9
"""Not all of a week is quiet, so the end of any quiet time is nearer than this."""
DAYS_BACK: Final = 2


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
    info = zone_info(zone)
    by_day = _minutes_by_weekday(windows)
    first = datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date() - timedelta(days=DAYS_BACK)
    instants = _boundaries(by_day, info, first)
    starts: list[int] = []
    ends: list[int] = []
    for instant, following in pairwise(instants):
        if _is_quiet(by_day, info, instant):
            if ends and ends[-1] == instant:
                ends[-1] = following
            else:
                starts.append(instant)
                ends.append(following)
    return starts, ends


def _minutes_by_weekday(windows: tuple[Window, ...]) -> list[list[tuple[int, int]]]:
    """For each weekday the quiet minutes [from, until) of that day, what came over midnight included."""
    days: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
    for window in windows:
        start, until = window.minutes
        for name in window.days:
            position = WEEKDAYS.index(name)
            days[position].append((start, min(until, DAY_MINUTES)))
            if until > DAY_MINUTES:
                days[(position + 1) % 7].append((0, until - DAY_MINUTES))
    return days


def _is_quiet(by_day: list[list[tuple[int, int]]], info: ZoneInfo, instant: int) -> bool:
    local = datetime.fromtimestamp(instant / 1000, info)
    minute = local.hour * 60 + local.minute
    return any(start <= minute < until for start, until in by_day[local.weekday()])


def _boundaries(by_day: list[list[tuple[int, int]]], info: ZoneInfo, first: date) -> list[int]:
    """Every instant at which quiet may begin or end: window edges by either fold, and clock changes."""
    instants: set[int] = set()
    for ahead in range(DAYS_BACK + DAYS_AHEAD + 1):
        local = datetime.combine(first + timedelta(days=ahead), time(), info)
        edges = {0} | {edge for pair in by_day[local.weekday()] for edge in pair}
        for edge in edges:
            wall = local + timedelta(minutes=edge)
            instants.add(_ms(wall.replace(fold=0)))
            instants.add(_ms(wall.replace(fold=1)))
    ordered = sorted(instants)
    changes = {change for left, right in pairwise(ordered) if (change := _clock_change(info, left, right)) is not None}
    return sorted(instants | changes)


def _clock_change(info: ZoneInfo, left: int, right: int) -> int | None:
    """The instant between the two at which the zone's offset changes; None without one."""
    before = _offset(info, left)
    if _offset(info, right) == before:
        return None
    while right - left > 1000:
        middle = (left + right) // 2000 * 1000
        if middle <= left:
            break
        if _offset(info, middle) == before:
            left = middle
        else:
            right = middle
    return right


def _offset(info: ZoneInfo, instant: int) -> timedelta | None:
    return datetime.fromtimestamp(instant / 1000, info).utcoffset()


def _ms(value: datetime) -> int:
    return round(value.timestamp() * 1000)
