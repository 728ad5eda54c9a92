"""What the server sends over a socket, by type. docs/sockets.md is its contract; `/asyncapi.json` is made of these."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any, Final

import msgspec

from shared.model.inbox import InboxButton

_encoder = msgspec.json.Encoder()
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
    REPLACED = 4409
    TOO_MANY_MESSAGES = 4429


CLOSE_CODES: Final = {
    CloseCode.RESTART: "the server restarts: come back after `after_ms`, with the cursor",
    CloseCode.TRY_AGAIN_LATER: "it cannot serve you now: come back in some seconds, with the cursor",
    CloseCode.SLOW: "the client did not read enough: come back with the cursor",
    CloseCode.BAD_MESSAGE: "a message was not JSON text: mend the client",
    CloseCode.UNAUTHORIZED: "no token, a bad one, another user's, or an expired one: come back with a new token",
    CloseCode.AUTH_TIMEOUT: "no `auth` in time: come back with a token",
    CloseCode.REPLACED: "the user has opened more sockets than one user may have: stay away, the newer ones go on",
    CloseCode.TOO_MANY_MESSAGES: "too many messages: come back more slowly",
}
"""What a client does then."""


def close_reason(text: str) -> str:
    """As much of it as a close frame can carry."""
    return text.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


CursorText = Annotated[str, msgspec.Meta(description="Opaque: what the client shows next time it comes.")]
SocketUnseen = Annotated[int, msgspec.Meta(ge=0, description="Of the unread ones those that were not seen.")]
SocketUnread = Annotated[
    int, msgspec.Meta(ge=0, description="All that is neither read, archived, snoozed nor deleted.")
]
Reference = Annotated[str | None, msgspec.Meta(description="What the client sent with the command.")]


class SocketAsOf(msgspec.Struct, frozen=True):
    """How new a count is: of two, the one with the larger `offset` is newer, then the one with the larger `at`."""

    offset: int
    at: int


class SocketItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An InboxItem as a client reads it; a field that is missing has its default. Times are milliseconds since the epoch."""

    id: str
    workflow: str
    offset: int
    created_at: int
    title: str = ""
    body: str = ""
    type: str | None = None
    url: str | None = None
    data: Any = None
    """Of the event; of a digest the newest one's."""
    actor: str | None = None
    seen_at: int | None = None
    read_at: int | None = None
    archived_at: int | None = None
    deleted_at: int | None = None
    updated_at: int | None = None
    unread_times: int = 0
    unarchived_times: int = 0
    digest_count: int | None = None
    buttons: tuple[InboxButton, ...] = ()
    category: str | None = None
    priority: str | None = None
    expires_at: int | None = None
    snoozed_until: int | None = None
    snoozed_times: int = 0
    notification: str | None = None
    """Its notification, where `id` is not that."""


class HelloMessage(msgspec.Struct, frozen=True, kw_only=True, tag="hello"):
    """The first message after authentication, and the first after a reset. What was missed follows."""

    cursor: CursorText
    unread: SocketUnread
    unseen: SocketUnseen
    as_of: SocketAsOf
    user: str
    session: str
    """Its name in the gateway's log."""


class LiveMessage(msgspec.Struct, frozen=True, kw_only=True, tag="live"):
    """What was missed is told: what comes from now on happens now."""

    cursor: CursorText


class NotificationMessage(msgspec.Struct, frozen=True, kw_only=True, tag="notification", omit_defaults=True):
    """An item: a new one, or with `replay` one that was there before the client came."""

    item: SocketItem
    unread: SocketUnread
    unseen: SocketUnseen
    as_of: SocketAsOf
    cursor: CursorText
    replay: bool = False


class StateMessage(msgspec.Struct, frozen=True, kw_only=True, tag="state"):
    """Absolute states of items. `change`: what happened to them, or `sync` for all that did while the client was away."""

    change: str
    items: tuple[SocketItem, ...]
    unread: SocketUnread
    unseen: SocketUnseen
    as_of: SocketAsOf
    cursor: CursorText


class ResetMessage(msgspec.Struct, frozen=True, kw_only=True, tag="reset"):
    """What the client shows cannot be brought up to date: it reads the inbox again by HTTP; a `hello` follows."""

    reason: str


class OkMessage(msgspec.Struct, frozen=True, kw_only=True, tag="ok", rename={"kind": "for"}):
    """A command is durable, and on its way to all devices."""

    kind: str
    ref: Reference = None
    updated: int | msgspec.UnsetType = msgspec.UNSET
    """How many items were found; for `all`: how many became read."""


class ErrorMessage(msgspec.Struct, frozen=True, kw_only=True, tag="error"):
    """A command was refused; the connection goes on."""

    code: str
    detail: str
    ref: Reference = None


class PongMessage(msgspec.Struct, frozen=True, kw_only=True, tag="pong"):
    """The answer to `ping`."""

    ref: Reference = None


class TokenExpiringMessage(msgspec.Struct, frozen=True, kw_only=True, tag="token_expiring"):
    """Send `auth` with a new token within `seconds`; else the connection ends with 4401."""

    seconds: int


class ReconnectMessage(msgspec.Struct, frozen=True, kw_only=True, tag="reconnect"):
    """The server restarts: come back in about `after_ms`, with the cursor."""

    after_ms: int


ServerMessage = (
    HelloMessage
    | LiveMessage
    | NotificationMessage
    | StateMessage
    | ResetMessage
    | OkMessage
    | ErrorMessage
    | PongMessage
    | TokenExpiringMessage
    | ReconnectMessage
)


def encode(message: ServerMessage) -> bytes:
    """A message that is sent seldom."""
    return _encoder.encode(message)
