"""What the form sends: one workflow, for one or both, now or in some seconds."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import msgspec

from carillon.client import AsyncClient
from shared.model.notifications import Priority
from shared.model.timestamps import to_datetime

Seconds = Annotated[int, msgspec.Meta(ge=0, le=3600)]


class SendOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form's fields."""

    workflow: str
    to: Annotated[list[str], msgspec.Meta(min_length=1, max_length=10)]
    data: dict[str, Any] = {}
    priority: Priority | None = None
    in_seconds: Seconds = 0


async def send(carillon: AsyncClient, order: SendOrder, now: int) -> dict[str, Any]:
    """Through ingest, as any producer; its answer. `now` in milliseconds. Raises ClientError."""
    at = to_datetime(now) + timedelta(seconds=order.in_seconds) if order.in_seconds else None
    return await carillon.notify(order.workflow, order.to, data=order.data, priority=order.priority, deliver_at=at)
