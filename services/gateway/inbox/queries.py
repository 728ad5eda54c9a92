"""Which rows a call is about, and what a change does to them, in MongoDB's language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from services.gateway.inbox.filters import InboxFilter, TypeFilter
from shared.model.inbox import Change
from shared.model.timestamps import to_datetime
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
    if where.unseen_only:
        query |= {"read_at": None, "seen_at": None}
    if where.category is not None:
        query["category"] = where.category
    if where.priority is not None:
        query["priority"] = where.priority.value
    created = {"$gte": where.since, "$lt": where.until}
    if between := {bound: to_datetime(at) for bound, at in created.items() if at is not None}:
        query["created_at"] = between
    return query | of_type(where.type) | _with_words(where.words)


def of_type(only: TypeFilter | None) -> Query:
    """Rows of one notification type; None: of any."""
    if only is None:
        return {}
    return {"type": only.type} if only.workflow is None else {"type": None, "workflow": only.workflow}


def _with_words(words: Sequence[str]) -> Query:
    """Rows with all of them. What a word has of a pattern's characters stands for itself."""
    found = [{"$regex": re.escape(word), "$options": "i"} for word in words]
    return {"$and": [{"$or": [{"title": each}, {"body": each}]} for each in found]} if found else {}


def counting(queries: Sequence[Query], among: Query) -> list[Query]:
    """The pipeline that counts the rows of each query in one pass over those in `among`; a document with `c0`, `c1`, …."""
    unread = _is_null("read_at")
    counted = {
        "$group": {
            "_id": None,
            "total": {"$sum": 1},
            "unread": {"$sum": {"$cond": [unread, 1, 0]}},
            "unseen": {"$sum": {"$cond": [{"$and": [unread, _is_null("seen_at")]}, 1, 0]}},
        }
    }
    each = {f"c{number}": [{"$match": query}, counted] for number, query in enumerate(queries)}
    return [{"$match": among}, {"$facet": each}]


def _is_null(field: str) -> Query:
    return {"$eq": [{"$ifNull": [f"${field}", None]}, None]}


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
