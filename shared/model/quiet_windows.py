"""Quiet hours as a profile holds them, and the checks of what users write."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from shared.model.errors import InvalidProfile

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


DAY_MINUTES: Final = 24 * 60


MAX_WINDOWS: Final = 50


_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")


class Window(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename={"start": "from"}):
    """Quiet from `start` (inclusive) until `until` (exclusive), local wall clock, on the days it starts."""

    start: str
    until: str
    days: tuple[str, ...] = WEEKDAYS

    @property
    def minutes(self) -> tuple[int, int]:
        """Start and end in minutes of the starting day; an end past midnight is above 1440."""
        start, until = clock_minutes(self.start), clock_minutes(self.until)
        return start, until if until > start else until + DAY_MINUTES


class QuietHours(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """When noisy channels wait. `zone` is an IANA name; None: the profile's."""

    windows: tuple[Window, ...]
    enabled: bool = True
    zone: str | None = None


def clock_minutes(text: str) -> int:
    """Minutes since midnight of `HH:MM`; raises InvalidProfile."""
    if not _CLOCK.fullmatch(text):
        raise InvalidProfile("invalid_time", f"{text[:20]!r} is no time of day; write HH:MM, 00:00 to 24:00")
    return int(text[:2]) * 60 + int(text[3:])


def check_quiet_hours(hours: QuietHours) -> None:
    """Raises InvalidProfile where the hours make no sense or never end."""
    if hours.zone is not None:
        check_zone(hours.zone, "/quiet_hours/zone")
    if len(hours.windows) > MAX_WINDOWS:
        raise InvalidProfile("too_many_windows", f"more than {MAX_WINDOWS} windows", "/quiet_hours/windows")
    week = [False] * (7 * DAY_MINUTES)
    for position, window in enumerate(hours.windows):
        pointer = f"/quiet_hours/windows/{position}"
        if window.start == window.until:
            raise InvalidProfile("empty_window", "from equals until; a whole day is 00:00 to 24:00", f"{pointer}/until")
        if window.start == "24:00":
            raise InvalidProfile("invalid_time", "a window cannot start at 24:00; write 00:00", f"{pointer}/from")
        start, until = window.minutes
        for day in window.days:
            if day not in WEEKDAYS:
                raise InvalidProfile("invalid_day", f"{day[:20]!r} is none of {', '.join(WEEKDAYS)}", f"{pointer}/days")
            first = WEEKDAYS.index(day) * DAY_MINUTES
            for minute in range(first + start, first + until):
                week[minute % len(week)] = True
    if all(week):
        raise InvalidProfile("always_quiet", "quiet all week: nothing could ever be sent", "/quiet_hours/windows")


_NO_PLACES: Final = frozenset({"Factory", "localtime", "posixrules"})
"""Machines list them among the zones: each means whatever the machine is set to, or nothing."""


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Whether this machine knows the time zone."""
    return name in _zones()


def check_zone(name: str, pointer: str = "/zone") -> str:
    """The name, if it is that of an IANA time zone. Raises InvalidProfile."""
    if not is_zone(name) or name in _NO_PLACES:
        raise InvalidProfile("unknown_zone", f"{name[:60]!r} is no IANA time zone, as Europe/Berlin", pointer)
    return name


@lru_cache(maxsize=1024)
def zone_info(name: str) -> ZoneInfo:
    """The zone of a checked name."""
    return ZoneInfo(name)
