"""Which rows a call is about, and what a change does to them, in MongoDB's language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from services.gateway.inbox.filters import InboxFilter, TypeFilter
from shared.model.inbox import Change
from shared.model.timestamps import to_datetime
from shared.model.users import User
from shared.mongo.inbox_rows import shown, snoozed, stored_life
from shared.mongo.inbox_times import LEASE

Query = dict[str, object]


def own(user: User) -> Query:
    """All rows of the user."""
    return {"tenant": user.tenant, "user": user.id, "life": stored_life(user.life)}


def matching(user: User, where: InboxFilter, now: int) -> Query:
    """The user's rows that the filter is about at `now`, in milliseconds since the epoch."""
    query = own(user) | {"deleted_at": None, "archived_at": {"$ne": None} if where.archived else None}
    query |= snoozed(now) if where.snoozed else shown(now)
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


def update(change: Change, until: int | None = None, token: str | None = None) -> list[Query]:
    """The update of rows to which `change` happens; repeated, it changes nothing but `changed_at`.

    `until`: of SNOOZED. `token`: whose it is to tell of it, for as long as a lease of InboxTimes; None: nobody's.
    """
    changed = _snoozed(to_datetime(until)) if until is not None else _UPDATES[change]
    if token is not None:
        lease = {"$add": ["$$NOW", LEASE // timedelta(milliseconds=1)]}
        changed = changed | {"untold": change.value, "token": token, "lease": lease}
    return [{"$set": changed | {"changed_at": "$$NOW"}}]


def _snoozed(until: datetime) -> Query:
    """It comes back as it is now: nothing has to be changed at the time, so counts are right in the moment."""
    is_another = {"$cond": [{"$eq": ["$snoozed_until", until]}, 0, 1]}
    times = {"snoozed_times": {"$add": [{"$ifNull": ["$snoozed_times", 0]}, is_another]}}
    new: Query = {"seen_at": None, "snoozed_until": until}
    return _undo("read_at", "unread_times") | _undo("archived_at", "unarchived_times") | new | times


def _once(field: str) -> Query:
    return {"$ifNull": [f"${field}", "$$NOW"]}


def _undo(field: str, times: str) -> Query:
    """Clears a time stamp, and counts it if there was one."""
    was_set = {"$cond": [{"$eq": [{"$type": f"${field}"}, "date"]}, 1, 0]}
    return {field: None, times: {"$add": [{"$ifNull": [f"${times}", 0]}, was_set]}}


_BACK: Final[Query] = {"snoozed_until": "$$REMOVE"}
_IF_NOT_SNOOZED: Final = {"$cond": [{"$gt": ["$snoozed_until", "$$NOW"]}, None, _once("seen_at")]}
"""Who looks at what is snoozed has not seen it when it is back."""
_UPDATES: Final[dict[Change, Query]] = {
    Change.READ: {"read_at": _once("read_at"), "seen_at": _once("seen_at")} | _BACK,
    Change.UNREAD: _undo("read_at", "unread_times"),
    Change.SEEN: {"seen_at": _IF_NOT_SNOOZED},
    Change.ARCHIVED: {"archived_at": _once("archived_at")} | _BACK,
    Change.UNARCHIVED: _undo("archived_at", "unarchived_times"),
    Change.DELETED: {"deleted_at": _once("deleted_at")} | _BACK,
    Change.UNSNOOZED: _BACK,
}
