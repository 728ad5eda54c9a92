"""What the inbox API answers; the fields are those that chat clients know."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from pydantic import BaseModel, JsonValue

from services.gateway.core.as_of import AsOf
from services.gateway.inbox.paging import write_page_cursor
from services.gateway.inbox.store import InboxPage, ItemCounts
from shared.model.inbox import InboxItem, notification_of
from shared.model.timestamps import rfc3339


class ItemStatus(StrEnum):
    """How far the user got with an item; the last of these that is true."""

    PENDING = "pending"
    SEEN = "seen"
    READ = "read"
    ARCHIVED = "archived"
    SNOOZED = "snoozed"


class InboxNotificationButton(BaseModel):
    """What may be offered below a notification: either `url` or `action`."""

    label: str
    url: str | None = None
    action: str | None = None
    """A name that the client knows."""


class InboxNotification(BaseModel):
    """One notification as its user sees it. Times are RFC 3339 in UTC."""

    id: str
    notification_id: str
    """The notification's; `id` is the same, but for items of its later steps."""
    user_id: str
    notification_type: str
    category: str | None
    """Its workflow's; null: it is from before items had one."""
    priority: str | None
    """`low`, `normal`, `high` or `urgent`; null as in `category`."""
    content: dict[str, JsonValue] | None
    """The data of the event; of a digest the newest one's."""
    title: str
    body: str
    url: str | None
    status: ItemStatus
    is_read: bool
    seen_at: str | None
    read_at: str | None
    archived_at: str | None
    snoozed_until: str | None
    """When it is back; null: it is not snoozed."""
    expires_at: str | None
    """From then on it is gone; null: it stays."""
    created_at: str
    updated_at: str
    digest_count: int | None
    """How many notifications it brings at once; null: it is no digest."""
    buttons: list[InboxNotificationButton]
    """In their order, three at most."""


class CountedAt(BaseModel):
    """How new a count is: of two, here or from a socket, the one with the larger `offset` is newer, then the larger `at`."""

    offset: int
    at: int
    """Milliseconds since the epoch."""


class NotificationPage(BaseModel):
    """`total`, `unread` and `unseen` count all that match, not only this page."""

    notifications: list[InboxNotification]
    total: int
    unread: int
    """How many of them were not read."""
    unseen: int
    """How many of them were neither seen nor read."""
    has_more: bool
    next_cursor: str | None
    """Gets the page after this one; null after the last."""
    as_of: CountedAt


class CountResponse(BaseModel):
    """How many match, and how many of them are new to the user."""

    count: int
    unread: int
    """How many of them were not read."""
    unseen: int
    """How many of them were neither seen nor read."""
    as_of: CountedAt


class CountsResponse(BaseModel):
    """Each count under the name that its filter was given."""

    counts: dict[str, CountResponse]


class ChangeResponse(BaseModel):
    """The change is durable and announced."""

    success: bool = True
    message: str


class BatchResponse(ChangeResponse):
    """`updated_count`: how many of the ids are items of the user; of others nothing is said."""

    updated_count: int


class ReadAllResponse(ChangeResponse):
    """`updated_count`: how many were unread before."""

    updated_count: int


def item_status(item: InboxItem, now: int) -> ItemStatus:
    """The last state that the item has reached; or SNOOZED, for as long as it is."""
    if _is_snoozed(item, now):
        return ItemStatus.SNOOZED
    if item.archived_at is not None:
        return ItemStatus.ARCHIVED
    if item.read_at is not None:
        return ItemStatus.READ
    return ItemStatus.PENDING if item.seen_at is None else ItemStatus.SEEN


def page(found: InboxPage, user: str, now: int) -> bytes:
    """A NotificationPage as JSON; contents are passed through as they were sent, never decoded."""
    return msgspec.json.encode(
        {
            "notifications": [_shown(item, user, now) for item in found.items],
            "total": found.counts.total,
            "unread": found.counts.unread,
            "unseen": found.counts.unseen,
            "has_more": found.more,
            "next_cursor": write_page_cursor(found.items[-1].offset) if found.more else None,
            "as_of": found.as_of._asdict(),
        }
    )


def count(found: ItemCounts, as_of: AsOf) -> CountResponse:
    """The numbers, and how new they are."""
    return CountResponse(
        count=found.total,
        unread=found.unread,
        unseen=found.unseen,
        as_of=CountedAt(offset=as_of.offset, at=as_of.at),
    )


def _shown(item: InboxItem, user: str, now: int) -> dict[str, object]:
    return {
        "id": item.id,
        "notification_id": notification_of(item),
        "user_id": user,
        "notification_type": item.type or item.workflow,
        "category": item.category,
        "priority": item.priority,
        "content": item.data,
        "title": item.title,
        "body": item.body,
        "url": item.url,
        "status": item_status(item, now),
        "is_read": item.read_at is not None,
        "seen_at": _time(item.seen_at),
        "read_at": _time(item.read_at),
        "archived_at": _time(item.archived_at),
        "snoozed_until": _time(item.snoozed_until if _is_snoozed(item, now) else None),
        "expires_at": _time(item.expires_at),
        "created_at": rfc3339(item.created_at),
        "updated_at": rfc3339(item.updated_at or item.created_at),
        "digest_count": item.digest_count,
        "buttons": item.buttons,
    }


def _is_snoozed(item: InboxItem, now: int) -> bool:
    return item.snoozed_until is not None and item.snoozed_until > now


def _time(ms: int | None) -> str | None:
    return None if ms is None else rfc3339(ms)
