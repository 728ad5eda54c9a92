"""Holds: a record that comes back to `decide` at a later time."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from shared.model import ids
from shared.model.formats import OLDEST
from shared.model.notifications import Notification
from shared.model.records import Record


class Cause(StrEnum):
    """Why a record waits."""

    SCHEDULED = "scheduled"
    QUIET_HOURS = "quiet_hours"
    RETRY = "retry"
    PROVIDER_DOWN = "provider_down"
    LOCAL_TIME = "local_time"
    """A time of day where the recipient is: another one when the recipient moves."""
    DELAY = "delay"
    DIGEST = "digest"
    WAIT_FOR_READ = "wait_for_read"
    STOPPED = "stopped"
    """An operator has stopped the tenant, the workflow or the channel."""

    @property
    def since(self) -> int:
        """The format that it came with."""
        return OLDEST if self in _FIRST else 2


_FIRST: Final = frozenset({Cause.SCHEDULED, Cause.QUIET_HOURS, Cause.RETRY, Cause.PROVIDER_DOWN})

_TIMED: Final = frozenset({Cause.DELAY, Cause.WAIT_FOR_READ, Cause.RETRY, Cause.PROVIDER_DOWN})
"""What has waited when it comes back, whenever that is; the others are looked at again."""


class ParkedHold(msgspec.Struct, frozen=True, kw_only=True):
    """A hold that waits for a provider account, and the delivery that it brings back."""

    id: str
    delivery: str
    passes: int
    """How often it has come back before; a probe that was refused has come back once more than who has only waited."""


class Hastening(NamedTuple):
    """What a user's holds are brought forward for."""

    life: int = 0
    """The user's life now: what waits of earlier ones ends."""
    after: str = ""
    """The hold up to which they have been looked at, in the order of their ids; empty: none yet."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A record that waits. It comes back as it stands here; `due` in milliseconds since the epoch."""

    cause: Cause
    due: int
    record: Record
    account: str | None = None
    """It is parked until this provider account answers, at the longest until `due`."""

    @property
    def id(self) -> str:
        """A record held again has a higher pass, so its new hold never meets the old one."""
        return ids.hold_id(self.record.subject, self.cause, self.record.generation, self.record.pass_)

    @property
    def hastened_for(self) -> Notification | None:
        """The notification whose end brings it forward; None: no one's.

        A digest goes on without the item, and what waits behind it only for its time would be early.
        """
        return None if self.cause in _TIMED and self.record.is_digest else self.record.about
