"""Inbox rows as MongoDB keeps them: written by delivery, read and changed by the gateway."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, NotRequired, TypedDict

import msgspec

from shared.model.inbox import CountedItem, InboxButton, InboxItem, notification_of
from shared.model.timestamps import from_datetime, to_datetime


class InboxRow(TypedDict):
    """One in-app notification. `_id` is the delivery id, so that a replay meets it."""

    _id: str
    tenant: str
    user: str
    notification: str
    workflow: str
    type: str | None
    title: str
    body: str
    url: str | None
    data: bytes
    actor: str | None
    offset: int
    created_at: datetime
    seen_at: datetime | None
    read_at: datetime | None
    archived_at: datetime | None
    deleted_at: datetime | None
    changed_at: datetime | None
    unread_times: NotRequired[int]
    unarchived_times: NotRequired[int]
    life: int | None
    own_id: NotRequired[bool]
    """The item's id is `_id`: the notification has another item, which has its id."""
    step: NotRequired[str]
    """The key of its workflow's step."""
    digest_count: NotRequired[int]
    buttons: NotRequired[list[dict[str, str]]]
    category: NotRequired[str]
    priority: NotRequired[str]
    expires_at: NotRequired[datetime]
    snoozed_until: NotRequired[datetime]
    snoozed_times: NotRequired[int]
    variant: NotRequired[str]
    locale: NotRequired[str]
    replaced_by: NotRequired[str]
    """The notification that took its place: its deletion is nobody's doing."""
    test: NotRequired[bool]
    """Of a test; left out of what is none."""
    cancellation_key: NotRequired[str]
    cancel_count: NotRequired[int]
    """The key's counter when it was accepted."""
    withdrawn: NotRequired[int]
    """The key's counter when it was taken back: its deletion is nobody's doing, either."""
    receipt: NotRequired[dict[str, object]]
    """Of a row whose delivery to a socket is told: InboxReceipts says what is in it."""
    delivered_at: NotRequired[datetime]
    """When it first reached a socket, where that is told."""


def to_row(
    item: InboxItem,
    *,
    delivery: str,
    tenant: str,
    user: str,
    life: int = 0,
    step: str | None = None,
    cancellation_key: str | None = None,
    cancel_count: int = 0,
    test: bool = False,
    variant: str | None = None,
    locale: str | None = None,
) -> InboxRow:
    """The document of a new row."""
    row: InboxRow = {
        "_id": delivery,
        "tenant": tenant,
        "user": user,
        "notification": notification_of(item),
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
        "life": stored_life(life),
    }
    if item.notification is not None:
        row["own_id"] = True
    if step is not None:
        row["step"] = step
    if test:
        row["test"] = True
    if item.digest_count is not None:
        row["digest_count"] = item.digest_count
    elif cancellation_key is not None:
        row["cancellation_key"], row["cancel_count"] = cancellation_key, cancel_count
    if item.buttons:
        row["buttons"] = msgspec.to_builtins(list(item.buttons))
    if item.category is not None:
        row["category"] = item.category
    if item.priority is not None:
        row["priority"] = item.priority
    if item.expires_at is not None:
        row["expires_at"] = to_datetime(item.expires_at)
    if variant is not None:
        row["variant"] = variant
    if locale is not None:
        row["locale"] = locale
    return row


def stored_life(life: int) -> int | None:
    """The `life` of a row; None for a first one, as in rows from before there were lives."""
    return life or None


def from_row(row: InboxRow) -> InboxItem:
    """The item of a stored row."""
    own = "own_id" in row
    return InboxItem(
        id=row["_id"] if own else row["notification"],
        notification=row["notification"] if own else None,
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
        digest_count=row.get("digest_count"),
        buttons=msgspec.convert(row["buttons"], tuple[InboxButton, ...]) if "buttons" in row else (),
        category=row.get("category"),
        priority=row.get("priority"),
        expires_at=_ms(row.get("expires_at")),
        snoozed_until=_ms(row.get("snoozed_until")),
    )


def of_items(ids: Collection[str]) -> dict[str, object]:
    """Which of an inbox's rows are these items'."""
    named = list(ids)
    return {"$or": [{"notification": {"$in": named}, "own_id": None}, {"_id": {"$in": named}, "own_id": True}]}


UNREAD: Final[dict[str, object]] = {"read_at": None, "archived_at": None}
"""What is unread, among rows that are not deleted."""


def not_expired(now: int) -> dict[str, object]:
    """What is not over by then, among rows that are not deleted: what is over becomes so only a moment later."""
    return {"expires_at": {"$not": {"$lte": to_datetime(now)}}}


def shown(now: int) -> dict[str, object]:
    """What is neither over nor snoozed by then, among rows that are not deleted."""
    return not_expired(now) | {"snoozed_until": {"$not": {"$gt": to_datetime(now)}}}


def snoozed(now: int) -> dict[str, object]:
    """What is snoozed by then, and not over."""
    # Told so, MongoDB does not take the index of all that is snoozed, of whomever.
    return not_expired(now) | {"$nor": [{"snoozed_until": {"$lte": to_datetime(now)}}, {"snoozed_until": None}]}


_NO_CONTENT: Final = {"title": "", "body": "", "url": None, "data": b"null", "actor": None}
WITHOUT_CONTENT: Final = dict.fromkeys((*_NO_CONTENT, "digest_count", "buttons", "category", "priority"), 0)
"""A projection: what of a row can change, and how it is found."""


def state_of_row(row: Mapping[str, Any]) -> InboxItem:
    """The item of a row that was read WITHOUT_CONTENT, with what its statuses say: how often changes were undone, its copy."""
    item = from_row({**_NO_CONTENT, **row})  # type: ignore[typeddict-item]  # the two together are a row
    times = {name: row[name] for name in ("unread_times", "unarchived_times", "snoozed_times") if name in row}
    item = msgspec.structs.replace(item, **times) if times else item
    copy = {name: row[name] for name in ("variant", "locale") if name in row}
    return CountedItem(**msgspec.structs.asdict(item), **copy) if copy else item


def _ms(value: datetime | None) -> int | None:
    return None if value is None else from_datetime(value)
