"""The decision: what the door found for one record, with the inputs that mattered (pure)."""

from __future__ import annotations

from typing import Any

import msgspec

from services.router.core.routing import RoutingItem
from shared.model import ids
from shared.model.notifications import Notification
from shared.model.outputs import Coordinates
from shared.model.records import Record


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the door found for one record. `at` in milliseconds since the epoch."""

    record: Record
    notification: Notification
    coordinates: Coordinates
    items: tuple[RoutingItem, ...]
    at: int
    profile_version: int
    snapshot: dict[str, Any]

    @property
    def id(self) -> str:
        """One trip of one subject through the door."""
        return ids.decision_id(self.record.subject, self.record.generation, self.record.pass_)
