"""When a service that ended on its own is started again."""

from __future__ import annotations

from collections.abc import Sequence

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 15.0
FORGOTTEN_AFTER_SECONDS = 60.0


def pause_before(restarts: Sequence[float], now: float) -> float:
    """Seconds to wait, doubling with every restart of the last minute; `restarts` are monotonic seconds."""
    recent = sum(1 for moment in restarts if now - moment < FORGOTTEN_AFTER_SECONDS)
    return min(LONGEST_SECONDS, FIRST_SECONDS * (1 << recent))
