"""An independent scan around clock changes: minute by minute, by the wall clock that `datetime` shows.

It knows nothing of how quiet hours and local times are computed: each minute of two days around a change is looked up
in the definition, and ours is asked about each.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from shared.deciding.local_times import instant_of_local
from shared.deciding.quiet_hours import is_quiet, quiet_until
from shared.model.local_times import LocalTime
from shared.model.quiet_windows import WEEKDAYS, QuietHours, Window

SECOND, MINUTE = 1000, 60_000
AROUND = 26 * 60
"""Minutes on either side of a change."""
NEAR = 150
"""Wall-clock minutes on either side of a change whose instants are looked for."""
FIRST, LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
STEP = 6 * 3600
NO_PLACES = {"Factory", "localtime"}
AT_ONCE = 2
"""Of the sets of quiet hours, at each change; the next change has the next ones."""


def _hours(*windows: str) -> QuietHours:
    made = []
    for text in windows:
        span, _, days = text.partition(" ")
        start, until = span.split("-")
        made.append(Window(start=start, until=until, days=tuple(days.split(",")) if days else WEEKDAYS))
    return QuietHours(windows=tuple(made))


SETS = (
    _hours("13:00-14:30", "01:15-01:20"),
    _hours("22:00-07:00"),
    _hours("22:00-02:15 sat,sun", "23:10-00:30 thu,fri,sat"),
    _hours("02:20-05:00", "00:20-01:40 fri,sun"),
    _hours("00:00-24:00 sat,thu", "12:00-13:00 sun", "12:30-02:45 mon,tue"),
    _hours("22:00-24:00", "00:00-02:30", "02:30-03:00", "06:00-06:01", "06:02-06:30", "02:10-02:50"),
)


class Differences(NamedTuple):
    """What was compared, and where ours said something else (the first few)."""

    minutes: int = 0
    local_times: int = 0
    found: tuple[str, ...] = ()


class Minute(NamedTuple):
    """One minute that the scan looked at."""

    at: int
    wall: datetime
    aligned: bool
    """The zone's minutes begin with UTC's, here and a minute before: else what changes does so in between."""


def places() -> list[str]:
    """All zones of this machine that mean a place or an offset."""
    return sorted(available_timezones() - NO_PLACES)


def changes(name: str) -> list[int]:
    """The seconds since the epoch by which the offset of a zone has changed, each found within STEP before it."""
    zone, found = ZoneInfo(name), []
    before = datetime.fromtimestamp(FIRST.timestamp(), zone).utcoffset()
    for second in range(int(FIRST.timestamp()), int(LAST.timestamp()), STEP):
        offset = datetime.fromtimestamp(second, zone).utcoffset()
        if offset != before:
            found.append(second)
            before = offset
    return found


def scan(name: str, change: int, number: int) -> Differences:
    """Compares around one change; `number` chooses the quiet hours."""
    minutes = list(_minutes(name, change))
    found: list[str] = []
    for turn in range(AT_ONCE):
        found += _quiet(name, minutes, SETS[(number * AT_ONCE + turn) % len(SETS)])
    wanted = list(_wanted(minutes))
    found += _locals(name, minutes, wanted)
    return Differences(len(minutes) * AT_ONCE, len(wanted), tuple(found[:3]))


def sample(size: int, seed: int) -> list[tuple[str, int, int]]:
    """Some changes of some zones, for `scan`; the same for the same seed."""
    chance = random.Random(seed)
    some = [(name, changes(name)) for name in chance.sample(places(), size)]
    return [(name, chance.choice(of), chance.randrange(len(SETS))) for name, of in some if of]


def _minutes(name: str, change: int) -> Iterator[Minute]:
    zone = ZoneInfo(name)
    first = (change - STEP // 2) // 60 * MINUTE - AROUND * MINUTE
    before = 0
    for number in range(2 * AROUND):
        at = first + number * MINUTE
        wall = datetime.fromtimestamp(at / 1000, zone)
        yield Minute(at, wall.replace(tzinfo=None, second=0, fold=0), wall.second == before == 0)
        before = wall.second


def _quiet(name: str, minutes: Sequence[Minute], quiet: QuietHours) -> Iterator[str]:
    marked = _week(quiet)
    told = [marked[one.wall.weekday() * 1440 + one.wall.hour * 60 + one.wall.minute] for one in minutes]
    position = 0
    for value, run in groupby(told):
        length = sum(1 for _ in run)
        last = position + length >= len(minutes)
        end = None if last else minutes[position + length]
        for one in minutes[position : position + length]:
            until = quiet_until(quiet, name, one.at)
            if is_quiet(quiet, name, one.at) != bool(value) or (until is not None) != bool(value):
                yield f"{name} {one.wall}: quiet is {not value} here, {bool(value)} by the clock"
            elif until is not None and end is not None and not _same(until, end):
                yield f"{name} {one.wall}: quiet until {until} here, {end.at} by the clock"
        if end is not None and end.aligned and bool(is_quiet(quiet, name, end.at - 1)) != bool(value):
            yield f"{name} {end.wall}: the last millisecond before it is another"
        position += length


def _same(until: int, end: Minute) -> bool:
    return until == end.at if end.aligned else end.at - MINUTE < until <= end.at


def _week(quiet: QuietHours) -> bytearray:
    """One byte for each minute of the week, straight from the definition."""
    marked = bytearray(7 * 1440)
    for window in quiet.windows:
        start, until = (int(text[:2]) * 60 + int(text[3:]) for text in (window.start, window.until))
        for day in window.days:
            for minute in range(start, until if until > start else until + 1440):
                marked[(WEEKDAYS.index(day) * 1440 + minute) % len(marked)] = 1
    return marked


def _wanted(minutes: Sequence[Minute]) -> Iterator[datetime]:
    """The wall-clock minutes near the changes of offset, those included that no clock shows."""
    for before, after in pairwise(minutes):
        if after.wall - before.wall != timedelta(minutes=1):
            low, high = sorted((before.wall, after.wall))
            span = (high - low) // timedelta(minutes=1)
            for number in range(-NEAR, span + NEAR):
                yield low + timedelta(minutes=number)


def _locals(name: str, minutes: Sequence[Minute], wanted: Sequence[datetime]) -> Iterator[str]:
    shown: dict[datetime, Minute] = {}
    for one in minutes:
        shown.setdefault(one.wall, one)
    jumps = [
        (before.wall, after) for before, after in pairwise(minutes) if after.wall - before.wall > timedelta(minutes=1)
    ]
    for wall in wanted:
        local = LocalTime(date=wall.strftime("%Y-%m-%d"), time=wall.strftime("%H:%M"))
        ours = instant_of_local(local, name)
        theirs = shown.get(wall) or next((after for before, after in jumps if before < wall < after.wall), None)
        if theirs is not None and not _same(ours, theirs):
            yield f"{name} {wall}: {ours} here, {theirs.at} by the clock"


def counted(results: Sequence[Differences]) -> Counter[str]:
    """The sums of many."""
    return Counter(
        minutes=sum(one.minutes for one in results),
        local_times=sum(one.local_times for one in results),
        differences=sum(len(one.found) for one in results),
    )
