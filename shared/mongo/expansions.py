"""The row of one event's expansion: written by the router, read by the console."""

from __future__ import annotations

from datetime import datetime
from typing import NotRequired, TypedDict


class LeftOutRow(TypedDict):
    """Why something was left out."""

    reason: str
    detail: str
    pointer: NotRequired[str]


class PartRow(TypedDict):
    """One workflow that the event starts."""

    key: str
    version: int
    outcome: str
    """A PartOutcome."""
    notifications: int
    """How many it became at once."""
    fanout: NotRequired[str]
    """Which fan-out carries it to all others."""
    rejected: NotRequired[LeftOutRow]
    """Why it became nothing; of the outcome `nobody`, why it is not for this event."""
    left_out: NotRequired[list[LeftOutRow]]
    """Recipients."""


class ExpansionRow(TypedDict):
    """One event; the coordinates are those of the record that counts."""

    _id: str
    tenant: str
    type: str
    source: str
    source_id: str
    topic: str
    partition: int
    offset: int
    generation: int
    state: str
    """An EventState."""
    workflows: list[PartRow]
    accepted_at: datetime
    first_accepted_at: NotRequired[datetime]
    """Of one that was sent again."""
    created_at: datetime
    format: NotRequired[int]
