"""What the gateway says over a socket, from JSON: docs/sockets.md is the contract. Times are milliseconds since the epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from carillon.errors import UnexpectedAnswerError


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxCounts:
    """Whole counts. Of two the one with the larger `as_of` is newer, by HTTP too."""

    unread: int
    unseen: int | None
    """None from a gateway that does not count it."""
    as_of: tuple[int, int]
    """The offset and the time up to which it counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NotifiedItem:
    """An item of the inbox. `document` is the item as it came, with the fields that have no attribute here."""

    id: str
    workflow: str
    offset: int
    """Its place in the user's inbox: a newer item has a larger one."""
    created_at: int
    type: str | None
    title: str | None
    body: str | None
    url: str | None
    data: Any
    actor: Any
    seen_at: int | None
    read_at: int | None
    archived_at: int | None
    snoozed_until: int | None = None
    """Until then it is out of the list."""
    expires_at: int | None = None
    """From then on it is gone, whether that was told or not."""
    document: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedItem:
    """The whole state of an item; None: not so."""

    id: str
    seen_at: int | None
    read_at: int | None
    archived_at: int | None
    deleted_at: int | None
    updated_at: int | None
    """Of two states the one with the larger time is right."""
    snoozed_until: int | None = None
    document: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hello:
    """Connected, for the first time or again; what was missed follows."""

    cursor: str
    counts: InboxCounts
    user: str
    session: str | None
    """The connection's name in the gateway's log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notified:
    """A new item."""

    item: NotifiedItem
    counts: InboxCounts
    cursor: str
    replay: bool
    """It was there before the client came: no toast."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """Items changed, on whichever device."""

    change: str
    """`read unread seen archived unarchived snoozed unsnoozed expired deleted` (more may come), or `sync`: all that was missed."""
    items: tuple[ChangedItem, ...]
    counts: InboxCounts
    cursor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reset:
    """Forget what is shown, and read it again by HTTP; a Hello follows."""

    reason: str
    cursor: None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """What was missed has been told: what comes from now on happens now. Older gateways do not say it."""

    cursor: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandAcknowledged:
    """A command is durable."""

    ref: str | None
    updated: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandRejected:
    """A command was rejected; the connection goes on."""

    ref: str | None
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenExpiring:
    """The gateway waits so many seconds for a new token."""

    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnLater:
    """The gateway restarts."""

    seconds: float


SocketEvent = Hello | Notified | Changed | Reset | Live
GatewayMessage = SocketEvent | CommandAcknowledged | CommandRejected | TokenExpiring | ReturnLater


def read_message(text: str) -> GatewayMessage | None:
    """The message; None for a type that this version does not know.

    Raises UnexpectedAnswerError for what is no message of a gateway's.
    """
    try:
        fields = orjson.loads(text)
        read = _READERS.get(fields["type"])
        return None if read is None else read(fields)
    except (orjson.JSONDecodeError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnexpectedAnswerError(
            f"a message on the socket is none of a gateway's ({type(error).__name__}: {error})",
            fix="check the url; if it is the gateway's sockets, install a newer carillon-client",
        ) from error


def _counts(fields: Mapping[str, Any]) -> InboxCounts:
    as_of = fields["as_of"]
    return InboxCounts(
        unread=fields["unread"], unseen=fields.get("unseen"), as_of=(int(as_of["offset"]), int(as_of["at"]))
    )


def _item(fields: Mapping[str, Any]) -> NotifiedItem:
    return NotifiedItem(
        id=fields["id"],
        workflow=fields["workflow"],
        offset=int(fields["offset"]),
        created_at=fields["created_at"],
        type=fields.get("type"),
        title=fields.get("title"),
        body=fields.get("body"),
        url=fields.get("url"),
        data=fields.get("data"),
        actor=fields.get("actor"),
        seen_at=fields.get("seen_at"),
        read_at=fields.get("read_at"),
        archived_at=fields.get("archived_at"),
        snoozed_until=fields.get("snoozed_until"),
        expires_at=fields.get("expires_at"),
        document=fields,
    )


def _changed_item(fields: Mapping[str, Any]) -> ChangedItem:
    return ChangedItem(
        id=fields["id"],
        seen_at=fields.get("seen_at"),
        read_at=fields.get("read_at"),
        archived_at=fields.get("archived_at"),
        snoozed_until=fields.get("snoozed_until"),
        deleted_at=fields.get("deleted_at"),
        updated_at=fields.get("updated_at"),
        document=fields,
    )


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], GatewayMessage]]] = {
    "hello": lambda fields: Hello(
        cursor=fields["cursor"], counts=_counts(fields), user=fields["user"], session=fields.get("session")
    ),
    "notification": lambda fields: Notified(
        item=_item(fields["item"]),
        counts=_counts(fields),
        cursor=fields["cursor"],
        replay=fields.get("replay", False) is True,
    ),
    "state": lambda fields: Changed(
        change=fields["change"],
        items=tuple(map(_changed_item, fields["items"])),
        counts=_counts(fields),
        cursor=fields["cursor"],
    ),
    "reset": lambda fields: Reset(reason=fields["reason"]),
    "live": lambda fields: Live(cursor=fields.get("cursor")),
    "ok": lambda fields: CommandAcknowledged(ref=fields.get("ref"), updated=fields.get("updated", 0)),
    "error": lambda fields: CommandRejected(ref=fields.get("ref"), code=fields["code"], detail=fields["detail"]),
    "token_expiring": lambda fields: TokenExpiring(seconds=float(fields["seconds"])),
    "reconnect": lambda fields: ReturnLater(seconds=float(fields["after_ms"]) / 1000),
}
