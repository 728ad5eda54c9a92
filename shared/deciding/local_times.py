"""The instant of a wall-clock time in a zone, also where the clock skips or repeats it."""

from __future__ import annotations

from datetime import datetime

from shared.deciding.clock_changes import clock_change
from shared.model.local_times import LocalTime
from shared.model.quiet_windows import zone_info


def instant_of_local(local: LocalTime, zone: str) -> int:
    """When the zone's clocks show it: milliseconds since the epoch.

    Of a time that is repeated the first; of one that is skipped the first instant after the gap. `zone` is a checked
    name.
    """
    info, wall = zone_info(zone), local.in_utc
    naive = datetime.fromisoformat(f"{local.date}T{local.time}")
    # A gap's times are read by the offset before it with fold 0, and by the one after it with fold 1.
    late, early = (wall - _offset(naive.replace(tzinfo=info, fold=fold)) for fold in (0, 1))
    return late if late <= early else clock_change(info, early, late) or late


def _offset(local: datetime) -> int:
    offset = local.utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1000)
