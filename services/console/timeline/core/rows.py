"""The rows that a timeline is built from, as MongoDB returns them; each collection's writer says what is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

import msgspec

StoredRow = Mapping[str, Any]


class TimelineRow(TypedDict):
    """A status as the console stores it. `_id` is the status id, so that a replay is the same row."""

    _id: str
    tenant: str
    user: str
    type: str
    subject: str
    notification: str
    at: datetime
    data: dict[str, Any]
    topic: str
    partition: int
    offset: int
    created_at: datetime


class StoredRows(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of one notification of one tenant, each part by time."""

    statuses: Sequence[StoredRow]
    decisions: Sequence[StoredRow]
    deliveries: Sequence[StoredRow]
    holds: Sequence[StoredRow]
    complete: bool = True
    """False when as many were found as are read at once: these are the newest, older ones may be left out."""
