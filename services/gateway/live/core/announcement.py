"""What is sent for each event, put together of prepared bytes: as the types of `messages` encode it, at a fraction of the price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from services.gateway.core.as_of import AsOf
from services.gateway.live.core.counts import Counts
from services.gateway.live.core.cursor import Cursors, high_byte, offset_text
from shared.model import inbox
from shared.model.inbox import Change, InboxItem, item_state

_encoder = msgspec.json.Encoder()
_CREATED: Final = Change.CREATED.value
_COUNT: Final = b'"unread":%d,"unseen":%d,"as_of":{"offset":%d,"at":%d},"cursor":"%b"}'
_NOTIFICATION: Final = b'{"type":"notification","item":%b,"unread":%d,"unseen":%d,"as_of":{"offset":%d,%b%b%b'
_BEFORE: Final = b'"at":%d},"cursor":"%b'
_AFTER: Final = b'%b"}'
_REPLAYED: Final = b'{"type":"notification","replay":true,"item":%b,' + _COUNT
_STATE: Final = b'{"type":"state","change":%b,"items":%b,' + _COUNT


class Announcement:
    """An inbox event on its way to sockets. Its items are as they stand in it, however many sockets get them."""

    __slots__ = ("created", "event", "items")

    def __init__(self, raw: bytes) -> None:
        """`raw` as it is on the log. Raises msgspec.DecodeError, or NewerFormat."""
        self.event = event = inbox.read(raw)
        self.created: int | None = None
        """The offset of a new item; None for a change."""
        if event.change == _CREATED:
            self.created = event.offset if event.offset is not None else inbox.offset_of(event)
            self.items = bytes(event.items[0])
            """CREATED: the item as JSON; otherwise the array of the states."""
        else:
            self.items = b"[%b]" % b",".join(map(bytes, event.items))


class NotificationEnd(NamedTuple):
    """Of a client's notifications: what stays the same from one to the next until its counts are made anew."""

    high: int
    """Of the token."""
    before: bytes
    after: bytes


def ending(at: int, cursors: Cursors, token: int) -> NotificationEnd:
    """For counts made at `at`."""
    before, after = cursors.around(token)
    return NotificationEnd(high_byte(token), _BEFORE % (at, before), _AFTER % after)


def notification(item: bytes, counts: Counts, offset: int, ending: NotificationEnd) -> bytes:
    """A new item, the one at `offset`."""
    high, before, after = ending
    place = offset_text(offset, high)
    return _NOTIFICATION % (item, counts.unread, counts.unseen, max(counts.to, offset), before, place, after)


def replayed(item: bytes, counts: Counts, as_of: AsOf, cursor: bytes) -> bytes:
    """An item that was there before the client came."""
    return _REPLAYED % (item, counts.unread, counts.unseen, *as_of, cursor)


def state(change: str, items: bytes, counts: Counts, as_of: AsOf, cursor: bytes) -> bytes:
    """Absolute states of items."""
    return _STATE % (_encoder.encode(change), items, counts.unread, counts.unseen, *as_of, cursor)


def whole(item: InboxItem) -> bytes:
    """The item for `replayed`."""
    return _encoder.encode(item)


def states(items: Sequence[InboxItem]) -> bytes:
    """The array of items' states for `state`."""
    return _encoder.encode([item_state(item) for item in items])
