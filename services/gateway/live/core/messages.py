"""What the server sends over a socket, in JSON: docs/sockets.md is its contract."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import msgspec

from shared.model.inbox import Change, InboxEvent, InboxItem

_encoder = msgspec.json.Encoder()


class CloseCode(IntEnum):
    """Why the server ends a connection. Below 4400: come back with the cursor."""

    RESTART = 1012
    TRY_AGAIN_LATER = 1013
    SLOW = 4008
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    AUTH_TIMEOUT = 4408
    TOO_MANY_MESSAGES = 4429


class Announcement:
    """An inbox event on its way to sockets; its items are encoded once, however many sockets get them."""

    __slots__ = ("_items", "event")

    def __init__(self, event: InboxEvent) -> None:
        self.event = event
        self._items: bytes | None = None

    @property
    def items(self) -> bytes:
        """CREATED: the item as JSON; otherwise the array of the states."""
        if self._items is None:
            created = self.event.change is Change.CREATED
            self._items = _encoder.encode(self.event.items[0] if created else self.event.items)
        return self._items


def hello(cursor: str, unread: int, user: str) -> bytes:
    """The first message after authentication, and the first after a reset."""
    return _encoder.encode({"type": "hello", "cursor": cursor, "unread": unread, "user": user})


def notification(item: bytes, unread: int, cursor: str) -> bytes:
    """A new item."""
    return b'{"type":"notification","item":%b,"unread":%d,"cursor":"%b"}' % (item, unread, cursor.encode())


def state(change: str, items: bytes, unread: int, cursor: str) -> bytes:
    """Absolute states of items. `change` is a `Change`, or `sync` for what happened while the client was away."""
    fields = (change.encode(), items, unread, cursor.encode())
    return b'{"type":"state","change":"%b","items":%b,"unread":%d,"cursor":"%b"}' % fields


def states(items: Sequence[InboxItem]) -> bytes:
    """The array of items' states for `state`."""
    return _encoder.encode([item_state(item) for item in items])


def item_state(item: InboxItem) -> InboxItem:
    """What of an item can change; the rest is left out."""
    return msgspec.structs.replace(item, title="", body="", url=None, data=msgspec.Raw(b"null"), actor=None, type=None)


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
