"""The row of one stored decision: written by the router, read by the console."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict


class DecisionRow(TypedDict):
    """One pass of one subject through `decide`. It also has `pass`."""

    _id: str
    tenant: str
    user: str
    notification: str
    event_id: str
    subject: str
    kind: str
    generation: int
    topic: str
    partition: int
    offset: int
    workflow: str
    version: int
    profile_version: int
    inputs: dict[str, object]
    items: list[dict[str, Any]]
    at: datetime
    created_at: datetime
