"""Which rows a call is about, and what a change does to them, in MongoDB's language."""

from __future__ import annotations

from typing import Final

from services.gateway.inbox.filters import InboxFilter, TypeFilter
from shared.model.inbox import Change
from shared.model.users import User
from shared.mongo.inbox_rows import stored_life

Query = dict[str, object]


def own(user: User) -> Query:
    """All rows of the user."""
    return {"tenant": user.tenant, "user": user.id, "life": stored_life(user.life)}


def matching(user: User, where: InboxFilter) -> Query:
    """The user's rows that the filter is about."""
    query = own(user) | {"deleted_at": None, "archived_at": {"$ne": None} if where.archived else None}
    if where.unread_only:
        query["read_at"] = None
    return query | of_type(where.type)


def of_type(only: TypeFilter | None) -> Query:
    """Rows of one notification type; None: of any."""
    if only is None:
        return {}
    return {"type": only.type} if only.workflow is None else {"type": None, "workflow": only.workflow}


def update(change: Change) -> list[Query]:
    """The update of rows to which `change` happens; repeated, it changes nothing but `changed_at`."""
    return [{"$set": _UPDATES[change] | {"changed_at": "$$NOW"}}]


def _once(field: str) -> Query:
    return {"$ifNull": [f"${field}", "$$NOW"]}


def _undo(field: str, times: str) -> Query:
    """Clears a time stamp, and counts it if there was one."""
    was_set = {"$cond": [{"$eq": [{"$type": f"${field}"}, "date"]}, 1, 0]}
    return {field: None, times: {"$add": [{"$ifNull": [f"${times}", 0]}, was_set]}}


_UPDATES: Final[dict[Change, Query]] = {
    Change.READ: {"read_at": _once("read_at"), "seen_at": _once("seen_at")},
    Change.UNREAD: _undo("read_at", "unread_times"),
    Change.SEEN: {"seen_at": _once("seen_at")},
    Change.ARCHIVED: {"archived_at": _once("archived_at")},
    Change.UNARCHIVED: _undo("archived_at", "unarchived_times"),
    Change.DELETED: {"deleted_at": _once("deleted_at")},
}
