"""Deliveries as the console lists them, without addresses and contents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from shared.model.timestamps import from_datetime, rfc3339


class ListedDelivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where one delivery stands; without `delivery`: a notification that waits, or of which none was made."""

    notification: str
    user: str
    state: str
    at: str
    """Since when it stands there."""
    accepted_at: str
    delivery: str | None = None
    workflow: str | None = None
    event_id: str | None = None
    subject: str | None = None
    """What its event is about."""
    step: str | None = None
    channel: str | None = None
    priority: str | None = None
    attempts: int | None = None
    max_retries: int | None = None
    """What its producer asked for."""
    reason: str | None = None
    code: str | None = None
    """The provider's own code."""
    due: str | None = None
    """When it is looked at again."""


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries, the newest first, and the `cursor` of the next page; null when these are the last."""

    deliveries: list[ListedDelivery]
    cursor: str | None


def listed(row: dict[str, Any]) -> ListedDelivery:
    """A row of the collection."""
    due = row.get("due")
    return ListedDelivery(
        notification=row["notification"],
        user=row["user"],
        state=row["state"],
        at=_text(row["at"]),
        accepted_at=_text(row["accepted_at"]),
        delivery=row["_id"] if row["_id"] != row["notification"] and row.get("channel") else None,
        due=_text(due) if due is not None else None,
        **{name: row.get(name) for name in _AS_STORED},
    )


_AS_STORED = (
    *("workflow", "event_id", "subject", "step", "channel", "priority"),
    *("attempts", "max_retries", "reason", "code"),
)


def _text(at: datetime) -> str:
    return rfc3339(from_datetime(at))
