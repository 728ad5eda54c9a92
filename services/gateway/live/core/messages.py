"""What the server sends over a socket, in JSON: docs/sockets.md is its contract."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import msgspec

from services.gateway.core.as_of import AsOf
from shared.model.inbox import Change, InboxEvent, InboxItem, item_state

_encoder = msgspec.json.Encoder()
_COUNT: Final = b'"unread":%d,"as_of":{"offset":%d,"at":%d},"cursor":"%b"}'
_NOTIFICATION: Final = b'{"type":"notification","item":%b,' + _COUNT
_REPLAYED: Final = b'{"type":"notification","replay":true,"item":%b,' + _COUNT
_STATE: Final = b'{"type":"state","change":%b,"items":%b,' + _COUNT
MAX_REASON_BYTES: Final = 123
"""Of a close frame (RFC 6455 section 5.5)."""


class CloseCode(IntEnum):
    """Why the server ends a connection. Below 4400: come back with the cursor."""

    RESTART = 1012
    TRY_AGAIN_LATER = 1013
    SLOW = 4008
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    AUTH_TIMEOUT = 4408
    TOO_MANY_MESSAGES = 4429


def close_reason(text: str) -> str:
    """As much of it as a close frame can carry."""
    return text.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


class Announcement:
    """An inbox event on its way to sockets; its items are encoded once, however many sockets get them."""

    __slots__ = ("_items", "created", "event")

    def __init__(self, event: InboxEvent) -> None:
        self.event = event
        self.created = event.items[0].offset if event.change == Change.CREATED else None
        """The offset of a new item; None for a change."""
        self._items: bytes | None = None

    @property
    def items(self) -> bytes:
        """CREATED: the item as JSON; otherwise the array of the states."""
        if self._items is None:
            self._items = _encoder.encode(self.event.items if self.created is None else self.event.items[0])
        return self._items


def hello(cursor: bytes, unread: int, as_of: AsOf, *, user: str, session: str) -> bytes:
    """The first message after authentication, and the first after a reset. `session` is its name in the log."""
    fields = {"cursor": cursor.decode(), "unread": unread, "as_of": as_of._asdict(), "user": user, "session": session}
    return _encoder.encode({"type": "hello", **fields})


def live(cursor: bytes) -> bytes:
    """What was missed is told: what comes from now on happens now."""
    return _encoder.encode({"type": "live", "cursor": cursor.decode()})


def notification(item: bytes, unread: int, offset: int, at: int, cursor: bytes) -> bytes:
    """A new item. `offset` and `at` are those of an AsOf: making one costs a tenth of all that an event costs a socket."""
    return _NOTIFICATION % (item, unread, offset, at, cursor)


def replayed(item: bytes, unread: int, as_of: AsOf, cursor: bytes) -> bytes:
    """An item that was there before the client came."""
    offset, at = as_of
    return _REPLAYED % (item, unread, offset, at, cursor)


def state(change: str, items: bytes, unread: int, as_of: AsOf, cursor: bytes) -> bytes:
    """Absolute states of items. `change` is a `Change`, or `sync` for what happened while the client was away."""
    offset, at = as_of
    return _STATE % (_encoder.encode(change), items, unread, offset, at, cursor)


def whole(item: InboxItem) -> bytes:
    """The item for `replayed`."""
    return _encoder.encode(item)


def states(items: Sequence[InboxItem]) -> bytes:
    """The array of items' states for `state`."""
    return _encoder.encode([item_state(item) for item in items])


def reset(reason: str) -> bytes:
    """What the client shows cannot be brought up to date: it reads the inbox again by HTTP; a `hello` follows."""
    return _encoder.encode({"type": "reset", "reason": reason})


def ok(kind: str, ref: str | None, updated: int | None = None) -> bytes:
    """A command is durable. `ref` is what the client sent with it."""
    extra = {} if updated is None else {"updated": updated}
    return _encoder.encode({"type": "ok", "for": kind, "ref": ref, **extra})


def error(code: str, detail: str, ref: str | None = None) -> bytes:
    """A command was refused; the connection goes on."""
    return _encoder.encode({"type": "error", "code": code, "detail": detail, "ref": ref})


def pong(ref: str | None) -> bytes:
    """The answer to `ping`."""
    return _encoder.encode({"type": "pong", "ref": ref})


def token_expiring(seconds: int) -> bytes:
    """Send `auth` with a new token within `seconds`."""
    return _encoder.encode({"type": "token_expiring", "seconds": seconds})


def reconnect(after_ms: int) -> bytes:
    """The server restarts; come back in about `after_ms`, with the cursor."""
    return _encoder.encode({"type": "reconnect", "after_ms": after_ms})
