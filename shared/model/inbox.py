"""Inbox items and the changes that travel on `inbox.v1`. Key of the topic: `tenant:user`.

An item's `offset` is that of its delivery in `deliveries.in_app.v1`: per user it only grows, so it is the
cursor. Deleting leaves a tombstone (`deleted_at`), so that a resume can tell.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from shared.model import formats
from shared.model.statuses import copy_facts


class Change(StrEnum):
    """What happened to an inbox."""

    CREATED = "created"
    READ = "read"
    UNREAD = "unread"
    SEEN = "seen"
    ARCHIVED = "archived"
    UNARCHIVED = "unarchived"
    DELETED = "deleted"
    SNOOZED = "snoozed"
    UNSNOOZED = "unsnoozed"
    """By its user, or because its time has come."""
    EXPIRED = "expired"
    """Its time is over: it is deleted, by nobody."""
    ERASED = "erased"
    """The user was deleted, and all items with them; `life` is the next one."""


class InboxButton(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What a client may offer below an item: a link, or an action that it knows by name."""

    label: str
    url: str | None = None
    action: str | None = None


class InboxItem(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What a client sees of one notification. Times are milliseconds since the epoch."""

    id: str
    """The notification's; or its delivery's, of an item that another step has made before."""
    workflow: str
    offset: int
    created_at: int
    title: str = ""
    body: str = ""
    type: str | None = None
    url: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    """Of a digest: the newest one's."""
    actor: str | None = None
    seen_at: int | None = None
    read_at: int | None = None
    archived_at: int | None = None
    deleted_at: int | None = None
    updated_at: int | None = None
    unread_times: int = 0
    """How often the item, after it was read, was put back to unread."""
    unarchived_times: int = 0
    """How often it came back from the archive."""
    digest_count: int | None = None
    """How many notifications it brings at once; None: it is no digest."""
    buttons: tuple[InboxButton, ...] = ()
    category: str | None = None
    """Its workflow's; None: the item is from before items had one."""
    priority: str | None = None
    """A Priority; or, of a newer process, one that this one does not know. None as in `category`."""
    expires_at: int | None = None
    """From then on it is gone. None: it stays."""
    snoozed_until: int | None = None
    """Until then it is in no list and no count; it is unread, unseen and not archived meanwhile."""
    snoozed_times: int = 0
    """How often it was snoozed, or to another time."""
    notification: str | None = None
    """Its notification, where `id` is not that."""


class CountedItem(InboxItem, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """An item after a change, with what its statuses say of it and no client is told."""

    variant: str | None = None
    """Which of the workflow's texts it has."""
    locale: str | None = None
    """Its reader's."""


def notification_of(item: InboxItem) -> str:
    """Whose item it is."""
    return item.notification or item.id


def copy_of(item: InboxItem) -> dict[str, object]:
    """What the data of a status about the item say of its copy."""
    return copy_facts(item.variant, item.locale) if isinstance(item, CountedItem) else {}


class InboxEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record of `inbox.v1`. `items` are absolute states: CREATED has one, changes have those changed."""

    change: str
    """A Change; or, of a newer process, one that this one does not know: its items are absolute states, too."""
    items: tuple[InboxItem, ...]
    at: int
    unread: int | None = None
    """Unread rows after a change, absolute; None on CREATED (one more than before)."""
    life: int = 0
    """Of the user: clients of another life are told nothing."""
    counted_to: int | None = None
    """The largest offset that `unread` counts: rows above it come on top."""
    unseen: int | None = None
    """Of the unread rows those that were not seen either; None as `unread`, and from older processes."""
    receipt: str | None = None
    """On CREATED, the id of its delivery, where a status has to tell when it reaches a socket."""
    offset: int | None = None
    """CREATED: its item's, so that who passes the item on need not look into it; None from older processes."""
    format: int = formats.OLDEST


class ReadInboxEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An InboxEvent as a reader gets it who passes its items on: they stay as they stand. See there for the fields."""

    change: str
    items: tuple[msgspec.Raw, ...]
    at: int
    unread: int | None = None
    life: int = 0
    counted_to: int | None = None
    unseen: int | None = None
    receipt: str | None = None
    offset: int | None = None
    format: int = formats.OLDEST


class _Offset(msgspec.Struct, gc=False):
    offset: int


def item_state(item: InboxItem) -> InboxItem:
    """What of an item can change; the rest is left out."""
    if isinstance(item, CountedItem):
        item = msgspec.structs.replace(item, variant=None, locale=None)
    return msgspec.structs.replace(
        item,
        title="",
        body="",
        url=None,
        data=msgspec.Raw(b"null"),
        actor=None,
        type=None,
        unread_times=0,
        unarchived_times=0,
        digest_count=None,
        buttons=(),
        category=None,
        priority=None,
        expires_at=None,
        snoozed_times=0,
        notification=None,
    )


_encoder = msgspec.json.Encoder()


_decoder = msgspec.json.Decoder(InboxEvent)
_reader = msgspec.json.Decoder(ReadInboxEvent)
_offsets = msgspec.json.Decoder(_Offset)
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode(event: InboxEvent) -> bytes:
    """The event's bytes on the log (JSON)."""
    return _encoder.encode(event)


def decode(raw: bytes) -> InboxEvent:
    """Raises msgspec.DecodeError, or NewerFormat."""
    try:
        event = _decoder.decode(raw)
    except _UNREADABLE as error:
        raise _unreadable(raw, error) from error
    if event.format > formats.FORMAT or not event.items:
        _check(event)
    return event


def read(raw: bytes) -> ReadInboxEvent:
    """The same, at half of the price: what is inside the items is not looked at. Raises as `decode`."""
    try:
        event = _reader.decode(raw)
    except _UNREADABLE as error:
        raise _unreadable(raw, error) from error
    if event.format > formats.FORMAT or not event.items:
        _check(event)
    return event


def offset_of(event: ReadInboxEvent) -> int:
    """Of a new item, where the event does not say it. Raises msgspec.DecodeError."""
    return _offsets.decode(event.items[0]).offset


def _unreadable(raw: bytes, error: Exception) -> msgspec.DecodeError:
    """Raises NewerFormat if it says so."""
    formats.check_undecodable("inbox event", raw)
    return msgspec.DecodeError(str(error))


def _check(event: InboxEvent | ReadInboxEvent) -> None:
    formats.check("inbox event", event.format)
    if event.change == Change.CREATED and not event.items:
        raise msgspec.ValidationError("an event of a new item without the item")
