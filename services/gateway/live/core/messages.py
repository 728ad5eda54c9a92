"""What goes over a socket, in JSON (pure): docs/sockets.md is its contract."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Annotated, Final, Literal

import msgspec

from shared.model.inbox import Change, InboxEvent, InboxItem

MOST_IDS: Final = 100

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
    """The client's picture cannot be mended: it reads the inbox again by REST; a `hello` follows."""
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
    """The server goes; come back in about so long, with the cursor."""
    return _encoder.encode({"type": "reconnect", "after_ms": after_ms})


Ref = Annotated[str, msgspec.Meta(max_length=64)] | None
Ids = Annotated[
    tuple[Annotated[str, msgspec.Meta(max_length=64)], ...], msgspec.Meta(min_length=1, max_length=MOST_IDS)
]


class Auth(msgspec.Struct, frozen=True, tag="auth"):
    """Who is there, and how far he has seen."""

    token: str
    cursor: str | None = None
    ref: Ref = None


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """For clients that cannot send WebSocket pings."""

    ref: Ref = None


class Read(msgspec.Struct, frozen=True, tag="read"):
    """Items by id, or with `all` every unread one (of one type)."""

    ids: Ids | None = None
    all: Literal[True] | None = None
    notification_type: str | None = None
    ref: Ref = None


class Unread(msgspec.Struct, frozen=True, tag="unread"):
    """Back to unread."""

    ids: Ids
    ref: Ref = None


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """Shown to the user, not opened yet."""

    ids: Ids
    ref: Ref = None


class Archive(msgspec.Struct, frozen=True, tag="archive"):
    """Out of the way, not gone."""

    ids: Ids
    ref: Ref = None


class Delete(msgspec.Struct, frozen=True, tag="delete"):
    """Gone."""

    ids: Ids
    ref: Ref = None


Command = Auth | Ping | Read | Unread | Seen | Archive | Delete
CHANGES: Final = {
    Read: Change.READ,
    Unread: Change.UNREAD,
    Seen: Change.SEEN,
    Archive: Change.ARCHIVED,
    Delete: Change.DELETED,
}
_decoder: Final[msgspec.json.Decoder[Command]] = msgspec.json.Decoder(Command)


class NotJson(Exception):
    """The peer does not speak the protocol."""


def command(text: str) -> Command | str:
    """The command, or what is wrong with it. Raises NotJson."""
    try:
        decoded = _decoder.decode(text)
    except msgspec.ValidationError as problem:
        return str(problem)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as problem:
        raise NotJson from problem
    if isinstance(decoded, Read) and (decoded.ids is None) == (decoded.all is None):
        return "`read` names either `ids` or `all`"
    return decoded
