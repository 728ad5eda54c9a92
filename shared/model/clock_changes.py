"""Where a zone's clock changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.model.timestamps import from_datetime


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


def instant_of_wall(wall: datetime, info: ZoneInfo) -> int:
    """When the zone's clocks show a time (which has no zone): milliseconds since the epoch.

    Of a time that is repeated the first; of one that is skipped the first instant after the gap.
    """
    # A gap's times are read by the offset before it with fold 0, and by the one after it with fold 1.
    late, early = (from_datetime(wall.replace(tzinfo=info, fold=fold)) for fold in (0, 1))
    return late if late <= early else clock_change(info, early, late) or late
