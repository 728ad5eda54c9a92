"""Until when an item may be snoozed."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from services.gateway.inbox.rejections import RejectedChange
from shared.model.inbox import Change

MAX_SNOOZE: Final = timedelta(days=366)
_MAX_MS: Final = int(MAX_SNOOZE.total_seconds()) * 1_000


class BadSnooze(RejectedChange):
    """It says no time until which an item may be snoozed."""

    code = "bad_command"


def check_snooze(change: Change, until: int | None, now: int) -> None:
    """`until` stands with SNOOZED and nowhere else: later than `now`, and no more than MAX_SNOOZE. Raises BadSnooze."""
    if (until is None) == (change is Change.SNOOZED):
        raise BadSnooze("`until` stands with snooze, and with nothing else")
    if until is not None and not now < until <= now + _MAX_MS:
        raise BadSnooze(f"`until` lies in the future, at most {MAX_SNOOZE.days} days")
