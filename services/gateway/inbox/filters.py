"""Which of a user's items a call is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from shared.model.notifications import Priority


class TypeFilter(NamedTuple):
    """Items of this type; with None, items without a type that `workflow` made."""

    type: str | None
    workflow: str | None = None


@dataclass(frozen=True, kw_only=True)
class InboxFilter:
    """All of it must hold. Deleted items, and those whose time is over, are never among them."""

    type: TypeFilter | None = None
    """None: of any type."""
    category: str | None = None
    """None: of any category, and those from before items had one."""
    priority: Priority | None = None
    since: int | None = None
    """Created then or later; milliseconds since the epoch."""
    until: int | None = None
    """Created before then."""
    unread_only: bool = False
    unseen_only: bool = False
    archived: bool = False
    """Only archived ones, instead of none."""
    snoozed: bool = False
    """The same of those that are snoozed."""
    words: tuple[str, ...] = ()
    """Each stands in the title or the body, in any letter case; only the newest MAX_SEARCHED_ROWS are looked at."""
