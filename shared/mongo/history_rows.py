"""How what decisions add is written: one update for each row, which a replay repeats and an older record cannot undo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from pymongo import UpdateOne

from shared.deciding.facts import collapse_id
from shared.deciding.history_changes import (
    Decided,
    NewCount,
    NewDigest,
    NewMember,
    NewNewest,
    NewRun,
    RunState,
)
from shared.model import ids
from shared.model.notifications import Notification
from shared.model.timestamps import to_datetime
from shared.mongo.digest_members import MemberTerms

PASSED: Final = 20
"""How many of before a counter keeps."""
KEPT: Final = timedelta(days=400)
"""A digest, a collapse key and a run wait no longer."""
ENDED_KEPT: Final = timedelta(days=35)


class RowChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The writes of a chunk, by collection."""

    counters: list[UpdateOne]
    digests: list[UpdateOne]
    members: list[dict[str, object]]
    collapses: list[UpdateOne]
    runs: list[UpdateOne]


def row_changes(decided: Sequence[Decided]) -> RowChanges:
    """What these decisions write. Of a row that several change, the last one counts: they are in the log's order."""
    counters: list[UpdateOne] = []
    members: list[dict[str, object]] = []
    digests: dict[str, tuple[NewDigest, Decided]] = {}
    collapses: dict[str, UpdateOne] = {}
    runs: dict[str, UpdateOne] = {}
    for each in decided:
        for change in each.changes():
            if isinstance(change, NewCount):
                counters.append(_count(change, each))
            elif isinstance(change, NewMember):
                members.append(_member(change, each))
            elif isinstance(change, NewDigest):
                _replace(digests, change, each)
            elif isinstance(change, NewNewest):
                collapses[change.slot] = _newest(change, each)
            else:
                runs[change.notification] = _run(change, each)
    return RowChanges(
        counters=counters,
        digests=[_digest(*last) for last in digests.values()],
        members=members,
        collapses=list(collapses.values()),
        runs=list(runs.values()),
    )


def _owner(each: Decided) -> dict[str, object]:
    about = each.notification
    return {"tenant": about.tenant, "user": about.user, "life": about.life}


def _place(each: Decided) -> dict[str, object]:
    """Where its record stands on the log."""
    where = each.coordinates
    return {"place": f"{where.topic}/{where.partition}", "offset": where.offset}


def _not_later(place: Mapping[str, object]) -> list[dict[str, object]]:
    """A row that no later record of the log has written; of rows from before it grew, none counts as later."""
    return [{"place": {"$ne": place["place"]}}, {"offset": {"$lte": place["offset"]}}]


def _kept(each: Decided) -> datetime:
    return to_datetime(each.at) + KEPT


def _count(change: NewCount, each: Decided) -> UpdateOne:
    """Adds the notification once: where it is there already, the upsert meets the row, and leaves it as it is.

    Who may count is counted only where fewer than `most` do, so the last `most` are all that anybody asks for; the few
    before them are those that pass again, and are not to be counted anew.
    """
    at = to_datetime(change.at)
    entry = {"$each": [{"n": change.notification, "at": at}], "$slice": -(change.most + PASSED)}
    return UpdateOne(
        {"_id": change.counter, "entries.n": {"$ne": change.notification}},
        {
            "$push": {"entries": entry},
            "$max": {"expires_at": at + timedelta(seconds=change.seconds)},
            "$setOnInsert": _owner(each),
        },
        upsert=True,
    )


def _member(change: NewMember, each: Decided) -> dict[str, object]:
    return {
        "_id": ids.derive("member", change.digest, change.notification),
        **_owner(each),
        "digest": change.digest,
        "notification": change.notification,
        "number": change.number,
        "data": change.data,
        "expires_at": _kept(each),
        **_terms(change.about),
    }


def _terms(about: Notification) -> dict[str, MemberTerms]:
    """What may take a member out again; most have none of it."""
    terms: MemberTerms = {}
    if about.cancellation_key is not None:
        terms["cancellation_key"], terms["cancel_count"] = about.cancellation_key, about.cancel_count
    if about.collapse_key is not None:
        terms["collapse"] = collapse_id(about, about.life)
    if about.topic is not None:
        terms["topic"] = about.topic
    if about.expires_for_good:
        terms["until"] = to_datetime(about.expires_at)
    return {"terms": terms} if terms else {}


def _replace(digests: dict[str, tuple[NewDigest, Decided]], change: NewDigest, each: Decided) -> None:
    """The last of a slot. What closes says nothing of another digest that has the slot by now."""
    before, _ = digests.get(change.slot, (None, None))
    same = before is not None and before.digest == change.digest
    if change.open is None:
        if before is None or same:
            digests[change.slot] = change, each
        return
    if same and before is not None and before.open is not None and change.open.hold is None:
        known = msgspec.structs.replace(change.open, hold=before.open.hold)
        change = msgspec.structs.replace(change, open=known)
    digests[change.slot] = change, each


def _digest(change: NewDigest, each: Decided) -> UpdateOne:
    """Unless a later record of the log has changed the row."""
    place = _place(each)
    row = {"_id": change.slot, "$or": _not_later(place)}
    values: dict[str, object] = {**_owner(each), **place, "expires_at": _kept(each)}
    if change.open is None:
        return UpdateOne(row | {"open.id": change.digest}, {"$set": values | {"open": None}})
    fields = msgspec.to_builtins(change.open)
    if change.open.hold is None and change.open.holder is not None:  # an earlier chunk knows the hold
        del fields["hold"]
        return UpdateOne(
            row | {"open.id": change.digest}, {"$set": values | {f"open.{name}": it for name, it in fields.items()}}
        )
    return UpdateOne(row, {"$set": values | {"open": fields}}, upsert=True)


def _newest(change: NewNewest, each: Decided) -> UpdateOne:
    """Unless something newer is there; of two that happened at once, unless a later record of the log has written it."""
    newest, place = change.newest, _place(each)
    row = {
        "_id": change.slot,
        "$or": [
            {"newest.happened_at": {"$lt": newest.happened_at}},
            {"newest.happened_at": newest.happened_at, "$or": _not_later(place)},
        ],
    }
    values = {**_owner(each), **place, "newest": msgspec.to_builtins(newest), "expires_at": _kept(each)}
    return UpdateOne(row, {"$set": values}, upsert=True)


def _run(change: NewRun, each: Decided) -> UpdateOne:
    """Where it stands, unless it has gone on."""
    waits = change.state is RunState.WAITING
    values = {
        **_owner(each),
        "workflow": change.workflow,
        "version": change.version,
        "state": change.state.value,
        "step": change.step,
        "due": to_datetime(change.due) if change.due is not None else None,
        "generation": each.generation,
        "pass": each.pass_,
        "updated_at": to_datetime(each.at),
        "expires_at": _kept(each) if waits else to_datetime(each.at) + ENDED_KEPT,
    }
    before = [
        {"generation": {"$lt": each.generation}},
        {"generation": each.generation, "pass": {"$lte": each.pass_}},
    ]
    return UpdateOne({"_id": change.notification, "$or": before}, {"$set": values}, upsert=True)
