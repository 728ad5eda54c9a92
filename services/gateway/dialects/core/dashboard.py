"""`dashboard.v1`: one kind of frame, `dashboard.notification.update`, for what is new and for what was read.

What the client says, and whatever else the server does, is as in `carillon.v1`. Contract: docs/sockets.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.gateway.dialects.core.session_messages import SessionItem, read
from services.gateway.live.core.commands import BadCommand, Command, decode_command
from shared.model.notifications import Priority

_encoder: Final = msgspec.json.Encoder()
_NUMBERS: Final[dict[str | None, int]] = {Priority.HIGH: 2, Priority.URGENT: 3}
LEAST: Final = 1
"""The number of all other priorities, and of those that are not known."""
TRANSLATED: Final = frozenset({"hello", "notification", "state"})
"""What a session says that becomes an update; all else stays as it is."""


class DashboardNotification(msgspec.Struct, frozen=True, kw_only=True):
    """An item as a dashboard shows it. `metadata` is the event's data."""

    id: str
    type: str
    message: str
    timestamp: str
    priority: int
    metadata: msgspec.Raw
    recipient_ids: None = None
    """Nobody is told who else got it."""
    read: bool


class DashboardChange(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an item. `removed`: it was archived, snoozed or deleted."""

    id: str
    read: bool
    removed: bool


class DashboardData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`unread_count` is always the whole count."""

    notification: DashboardNotification | None = None
    changed: tuple[DashboardChange, ...] = ()
    unread_count: int


class DashboardUpdate(msgspec.Struct, frozen=True, kw_only=True, tag="dashboard.notification.update"):
    """The frame. `cursor` as in `carillon.v1`."""

    data: DashboardData
    cursor: str


class Dashboard:
    """The dialect; it has no state."""

    def decode(self, frame: str | bytes) -> Command | BadCommand:
        """As Dialect says."""
        return decode_command(frame)

    def encode(self, message: bytes) -> Sequence[bytes]:
        """As Dialect says."""
        said = read(message)
        notification: DashboardNotification | None = None
        changed: tuple[DashboardChange, ...] = ()
        match said.type:
            case "notification" if said.item is not None:
                notification = _notification(said.item)
            case "state":
                changed = tuple(map(_change, said.items))
            case "hello":
                pass
            case _:
                return (message,)
        data = DashboardData(notification=notification, changed=changed, unread_count=said.unread)
        return (_encoder.encode(DashboardUpdate(data=data, cursor=said.cursor)),)


def _notification(item: SessionItem) -> DashboardNotification:
    return DashboardNotification(
        id=item.id,
        type=item.kind,
        message=item.message,
        timestamp=item.timestamp,
        priority=_NUMBERS.get(item.priority, LEAST),
        metadata=item.data,
        read=item.read_at is not None,
    )


def _change(item: SessionItem) -> DashboardChange:
    return DashboardChange(id=item.id, read=item.read_at is not None, removed=item.removed)
