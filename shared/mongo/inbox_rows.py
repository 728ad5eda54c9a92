"""Inbox rows as MongoDB keeps them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from shared.model.inbox import InboxItem
from shared.model.timestamps import from_datetime, to_datetime


def to_row(item: InboxItem, *, delivery: str, tenant: str, user: str) -> dict[str, Any]:
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


def from_row(row: dict[str, Any]) -> InboxItem:
    """The item of a stored row."""
    return InboxItem(
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
