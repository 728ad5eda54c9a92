"""Where a zone's clock changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def offset_at(info: ZoneInfo, instant: int) -> int:
    """How far the zone's wall clock is ahead of UTC at an instant; all in milliseconds."""
    offset = datetime.fromtimestamp(instant / 1000, info).utcoffset() or timedelta()
    return offset // timedelta(milliseconds=1)


def clock_change(info: ZoneInfo, left: int, right: int) -> int | None:
    """The first instant after `left`, and up to `right`, of another offset than at `left`; None without one.

    At most one change lies between the two, which `right` has made.
    """
    before = offset_at(info, left)
    if offset_at(info, right) == before:
        return None
    while right - left > 1000:
        middle = (left + right) // 2000 * 1000
        if middle <= left:
            break
        if offset_at(info, middle) == before:
            left = middle
        else:
            right = middle
    return right
