"""An item as the booking service's document has it: what its backend sent, and what is known of it."""

from __future__ import annotations

import msgspec

from services.gateway.dialects.core.session_messages import SessionItem
from shared.model.numbers import number_of


def booking(item: SessionItem) -> dict[str, object]:
    """The members of the event's data as they stand, and beside them ours, which win."""
    try:
        data = msgspec.json.decode(item.data, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:  # no object: there is nothing to stand beside
        data = {}
    return {
        **data,
        "type": item.kind,
        "timestamp": item.timestamp,
        "message": item.message,
        "notification_id": name_of(item.id),
        "stored_at": item.timestamp,
        "read": item.read_at is not None,
    }


def name_of(notification: str) -> int | str:
    """What the document calls a notification: its number; of an id that is not derived, the id."""
    try:
        return number_of(notification)
    except ValueError:
        return notification
