"""The instant of a wall-clock time where somebody is."""

from __future__ import annotations

from datetime import datetime

from shared.model.clock_changes import instant_of_wall
from shared.model.local_times import LocalTime
from shared.model.quiet_windows import zone_info


def instant_of_local(local: LocalTime, zone: str) -> int:
    """When the zone's clocks show it: milliseconds since the epoch.

    Of a time that is repeated the first; of one that is skipped the first instant after the gap. `zone` is a checked
    name.
    """
    return instant_of_wall(datetime.fromisoformat(f"{local.date}T{local.time}"), zone_info(zone))
