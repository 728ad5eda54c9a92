"""How a process that ends sends its clients away: in slices, so that they do not all come back at once."""

from __future__ import annotations

from math import ceil

from services.gateway.core.limits import CLOSE_SECONDS, HAND_OVER_SECONDS, HAND_OVER_SLICE


def hand_over(connections: int, drain_seconds: float) -> list[int]:
    """The sizes of the slices, HAND_OVER_SECONDS apart: within the drain time, closing included.

    Slices of HAND_OVER_SLICE when there is time enough for all, else as many as have to go at once.
    """
    # A fifth is kept for what comes after, and a client may take CLOSE_SECONDS to answer a close.
    seconds = max(0.0, drain_seconds * 0.8 - CLOSE_SECONDS)
    most = max(1, int(seconds / HAND_OVER_SECONDS))
    size = max(HAND_OVER_SLICE, ceil(connections / most))
    return [min(size, connections - first) for first in range(0, connections, size)]
