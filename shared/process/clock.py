"""The clock at the edge; decisions get `now` as an argument."""

from __future__ import annotations

import time


class _Correction:
    """How far this machine's clock is ahead of the one that all instances share, in milliseconds."""

    ahead_ms = 0


def now_ms() -> int:
    """Milliseconds since the Unix epoch, by the clock that all instances share as soon as it is known."""
    return time.time_ns() // 1_000_000 - _Correction.ahead_ms


def uncorrected_ms() -> int:
    """Milliseconds since the Unix epoch as this machine's clock says."""
    return time.time_ns() // 1_000_000


def ahead_ms() -> int:
    """What `now_ms` takes off this machine's clock."""
    return _Correction.ahead_ms


def correct(ahead: int) -> None:
    """From now on this machine's clock is taken to be `ahead` milliseconds ahead."""
    _Correction.ahead_ms = ahead
