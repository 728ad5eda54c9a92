"""Inbox rows and the changes that travel on `inbox.v1` (pure). Key of the topic: `tenant:user`.

A row's `offset` is that of its delivery in `deliveries.in_app.v1`: per user it only grows, so it is the
cursor. Deleting leaves a tombstone (`deleted_at`), so that a resume can tell.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from shared.timestamps import from_datetime, to_datetime


class Change(StrEnum):
    """What happened to an inbox."""

    CREATED = "created"
    READ = "read"
    UNREAD = "unread"
    SEEN = "seen"
    ARCHIVED = "archived"
    DELETED = "deleted"


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client sees of one notification. Times are milliseconds since the epoch."""

    id: str
    """The notification's id."""
    workflow: str
    offset: int
    created_at: int
    title: str = ""
    body: str = ""
    type: str | None = None
    url: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    actor: str | None = None
    seen_at: int | None = None
    read_at: int | None = None
    archived_at: int | None = None
    deleted_at: int | None = None
    updated_at: int | None = None


class InboxEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record of `inbox.v1`. `items` are absolute states: CREATED has one, changes have those changed."""

    change: Change
    items: tuple[Item, ...]
    at: int
    unread: int | None = None
    """Unread rows after a change, absolute; None on CREATED (one more than before)."""
    counted_to: int | None = None
    """The largest offset that `unread` counts: rows above it come on top."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(InboxEvent)


def encode(event: InboxEvent) -> bytes:
    """The event's bytes on the log (JSON)."""
    return _encoder.encode(event)


def decode(raw: bytes) -> InboxEvent:
    """Raises msgspec.DecodeError."""
    return _decoder.decode(raw)


def to_row(item: Item, *, delivery: str, tenant: str, user: str) -> dict[str, Any]:
    """The document of a new row; `_id` is the delivery id, so a replay meets it."""
    return {
        "_id": delivery,
        "tenant": tenant,
        "user": user,
        "notification": item.id,
        "workflow": item.workflow,
        "type": item.type,
        "title": item.title,
        "body": item.body,
        "url": item.url,
        "data": bytes(item.data),
        "actor": item.actor,
        "offset": item.offset,
        "created_at": to_datetime(item.created_at),
        "seen_at": None,
        "read_at": None,
        "archived_at": None,
        "deleted_at": None,
        "changed_at": None,
    }


def from_row(row: dict[str, Any]) -> Item:
    """The item of a stored row."""
    return Item(
        id=row["notification"],
        workflow=row["workflow"],
        type=row["type"],
        title=row["title"],
        body=row["body"],
        url=row["url"],
        data=msgspec.Raw(row["data"]),
        actor=row["actor"],
        offset=row["offset"],
        created_at=from_datetime(row["created_at"]),
        seen_at=_ms(row["seen_at"]),
        read_at=_ms(row["read_at"]),
        archived_at=_ms(row["archived_at"]),
        deleted_at=_ms(row["deleted_at"]),
        updated_at=_ms(row["changed_at"]),
    )


def _ms(value: datetime | None) -> int | None:
    return None if value is None else from_datetime(value)
