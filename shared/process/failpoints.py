"""Named places where a test can kill a process (SIGKILL, as a crash would) or freeze it (SIGSTOP).

Disarmed unless a setting says so.
"""

from __future__ import annotations

import os
import signal
from enum import StrEnum


class Failpoint(StrEnum):
    """Every crash point between accepting an event and its effect."""

    AFTER_EXPANSION = "after_expansion"
    AFTER_PAGE = "after_page"
    """A page of a fan-out is taken, and not read yet."""
    AFTER_DECISION = "after_decision"
    AFTER_HOLD = "after_hold"
    AFTER_PRODUCE = "after_produce"
    """Outputs are on the log, the offset is not committed."""
    AFTER_CLAIM = "after_claim"
    AFTER_SEND = "after_send"
    AFTER_RECORD = "after_record"
    AFTER_INBOX_ROW = "after_inbox_row"
    AFTER_REPLACE = "after_replace"
    """What a new inbox row replaces is gone, nothing of it is told."""
    AFTER_RECEIPT = "after_receipt"
    """An inbox item is marked as delivered, and nobody is told."""
    AFTER_INBOX_TIMES = "after_inbox_times"
    """What time did to inbox rows is there, nothing of it is told."""
    BETWEEN_OUTPUTS = "between_outputs"
    AFTER_TIMELINE = "after_timeline"
    """Statuses are in the timeline, their minutes are not marked."""
    AFTER_ROLLUP = "after_rollup"
    """Minutes are counted, their hours and days are not."""
    AFTER_HOLD_CLAIM = "after_hold_claim"
    AFTER_RELEASE = "after_release"
    """A hold's record is on the log, the hold is not deleted; or a schedule's notifications, and its next time is not stored."""


_armed: dict[str, int] = {}
_signals: dict[str, signal.Signals] = {}


def arm(spec: str | None) -> None:
    """`NAME`, `NAME:N` or `NAME:N:STOP`: the Nth pass of that point kills this process, or freezes it.

    Raises ValueError for no such name, KeyError for no such signal.
    """
    _armed.clear()
    if spec:
        name, _, rest = spec.partition(":")
        count, _, ends = rest.partition(":")
        _signals[Failpoint(name)] = signal.Signals[f"SIG{ends or 'KILL'}"]
        _armed[Failpoint(name)] = int(count or 1)


def failpoint(name: Failpoint) -> None:
    """Kills or freezes this process if `name` is armed and its count is reached."""
    if name in _armed:
        _armed[name] -= 1
        if _armed[name] == 0:
            os.kill(os.getpid(), _signals[name])


def is_armed(name: Failpoint) -> bool:
    """Whether `name` may still fire; for points that need the process in a certain state first."""
    return _armed.get(name, 0) > 0
