"""Which of a user's items a call is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class TypeFilter(NamedTuple):
    """Items of this type; with None, items without a type that `workflow` made."""

    type: str | None
    workflow: str | None = None


@dataclass(frozen=True, kw_only=True)
class InboxFilter:
    """All of it must hold. Deleted items are never among them."""

    type: TypeFilter | None = None
    """None: of any type."""
    unread_only: bool = False
    archived: bool = False
    """Only archived ones, instead of none."""
