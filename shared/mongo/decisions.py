"""The row of one stored decision: written by the router, read by the console."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NotRequired, TypedDict

_Pass = TypedDict("_Pass", {"pass": int})  # a keyword cannot be a field of a class


class DecisionRow(_Pass):
    """One pass of one subject through `decide`. `items` are those of `shared.deciding.items`, as builtins."""

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
    inputs: Mapping[str, object]
    items: list[dict[str, object]]
    at: datetime
    created_at: datetime
    format: NotRequired[int]
    life: NotRequired[int]
    context: NotRequired[Mapping[str, object]]
    """What else `route` was asked with, as `services.router.core.decision.context_of` gives it."""
    erased: NotRequired[bool]
    """Its user was deleted: neither addresses nor inputs are left."""
