"""Quiet hours against an oracle that walks minute by minute through every clock change of 2025 to 2027."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.deciding.quiet_hours import next_quiet, quiet_until
from shared.model.quiet_windows import WEEKDAYS, QuietHours, Window
from tests.unit.router.test_quiet_hours import hours

ZONES = (
    "UTC", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/Sao_Paulo", "America/Havana", "America/Santiago",
    "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Asia/Kathmandu", "Asia/Tehran", "Asia/Beirut",
    "Africa/Cairo", "Africa/Casablanca",
)  # fmt: skip
WINDOWS = {
    "plain": hours("13:00-14:30", "01:15-01:20"),
    "across midnight": hours("22:00-07:00"),
    "ends in the hour that is skipped or repeated": hours("22:00-02:15 sat,sun", "23:10-00:30 thu,fri,sat"),
    "starts there": hours("02:20-05:00", "00:20-01:40 fri,sun"),
    "whole days": hours("00:00-24:00 sat,thu", "12:00-13:00 sun"),
    "several, adjacent": hours("22:00-24:00", "00:00-02:30", "02:30-03:00", "06:00-06:01", "06:02-06:30"),
}
MINUTE = 60_000
AROUND = 26 * 60
"""Minutes on either side of a clock change."""


def _offset(zone: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


@lru_cache
def changes(name: str) -> tuple[int, ...]:
    """Every clock change of three years, found hour by hour; midyear as well, so that UTC has something to show."""
    zone, found = ZoneInfo(name), [round(datetime(2026, 6, 15, tzinfo=UTC).timestamp() * 1000)]
    day = datetime(2025, 1, 1, tzinfo=UTC)
    while day.year < 2028:
        if _offset(zone, day) != _offset(zone, day + timedelta(days=1)):
            hour = next(
                day + timedelta(minutes=30 * n) for n in range(48)
                if _offset(zone, day + timedelta(minutes=30 * n)) != _offset(zone, day + timedelta(minutes=30 * (n + 1)))
            )  # fmt: skip
            found.append(round((hour + timedelta(minutes=30)).timestamp() * 1000))
        day += timedelta(days=1)
    return tuple(found)


@cache
def walls(name: str, around: int) -> tuple[int, list[int]]:
    """The first instant, and of each minute from there its wall-clock minute of the week."""
    zone, first = ZoneInfo(name), around - AROUND * MINUTE
    minutes = []
    for number in range(2 * AROUND):
        local = datetime.fromtimestamp((first + number * MINUTE) / 1000, zone)
        minutes.append(local.weekday() * 1440 + local.hour * 60 + local.minute)
    return first, minutes


def week(quiet: QuietHours) -> bytearray:
    """One byte for each minute of the week, straight from the definition."""
    marked = bytearray(7 * 1440)
    for window in quiet.windows:
        start, until = (int(text[:2]) * 60 + int(text[3:]) for text in (window.start, window.until))
        for day in window.days:
            for minute in range(start, until if until > start else until + 1440):
                marked[(WEEKDAYS.index(day) * 1440 + minute) % len(marked)] = 1
    return marked


def compare(quiet: QuietHours, name: str, around: int) -> int:
    """Compares at every edge the walk meets, one second to either side and amid; returns how many edges."""
    first, minutes = walls(name, around)
    marked = week(quiet)
    runs, at = [], first
    for is_quiet, run in groupby(marked[minute] for minute in minutes):
        length = sum(1 for _ in run) * MINUTE
        runs.append((at, at + length, bool(is_quiet)))
        at += length
    for start, end, is_quiet in runs[1:-1]:
        for instant in (start, start + 1000, (start + end) // 2, end - 1000, end - 1):
            assert quiet_until(quiet, name, instant) == (end if is_quiet else None), (name, instant)
            if not is_quiet:
                assert next_quiet(quiet, name, instant) == end, (name, instant)
    return len(runs) - 1


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("windows", WINDOWS)
def test_every_clock_change(windows: str, name: str) -> None:
    assert sum(compare(WINDOWS[windows], name, change) for change in changes(name)) > 0


def test_the_zones_have_changes_of_every_kind() -> None:
    count = {name: len(changes(name)) - 1 for name in ZONES}
    assert count["UTC"] == count["Asia/Kathmandu"] == 0
    assert all(
        count[name] == 6 for name in ("Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "Africa/Cairo")
    )


CLOCK = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
DAYS = st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(lambda days: tuple(sorted(days)))
WINDOW = st.builds(lambda s, u, d: Window(start=s, until=u, days=d), CLOCK, CLOCK | st.just("24:00"), DAYS).filter(
    lambda window: window.start != window.until
)


@given(st.lists(WINDOW, min_size=1, max_size=4), st.sampled_from(ZONES), st.integers(0, 6))
def test_random_windows(windows: list[Window], name: str, which: int) -> None:
    around = changes(name)
    compare(QuietHours(windows=tuple(windows)), name, around[which % len(around)])
