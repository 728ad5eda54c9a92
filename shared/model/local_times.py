"""Wall-clock times as producers write them: 09:00 on a date, wherever the recipient is."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

import msgspec

from shared.model.errors import Invalid
from shared.model.timestamps import from_datetime

HOUR_MS: Final = 3_600_000
EASTERNMOST_MS: Final = 14 * HOUR_MS
"""UTC+14, where each time comes first."""
WESTERNMOST_MS: Final = 12 * HOUR_MS
"""UTC-12, where it comes last."""
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class LocalTime(msgspec.Struct, frozen=True, kw_only=True):
    """A wall-clock time where the recipient is: `time` as HH:MM, `date` as YYYY-MM-DD."""

    time: str
    date: str

    @property
    def in_utc(self) -> int:
        """Its instant where the clocks show UTC, milliseconds since the epoch."""
        return from_datetime(datetime.fromisoformat(f"{self.date}T{self.time}").replace(tzinfo=UTC))

    @property
    def earliest(self) -> int:
        """No zone shows it before this instant."""
        return self.in_utc - EASTERNMOST_MS

    @property
    def latest(self) -> int:
        """Every zone has shown it by this instant, but for one whose clock skipped it that day."""
        return self.in_utc + WESTERNMOST_MS


def check_date(text: str, pointer: str) -> str:
    """A date of the calendar, as it is. Raises Invalid."""
    try:
        if _DATE.fullmatch(text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise Invalid("invalid_time", f"{text[:20]!r} is no date of the calendar; write YYYY-MM-DD", pointer)


def check_time(text: str, pointer: str) -> str:
    """A time of day, as it is. Raises Invalid."""
    if not _TIME.fullmatch(text):
        raise Invalid("invalid_time", f"{text[:20]!r} is no time of day; write HH:MM, 00:00 to 23:59", pointer)
    return text
