"""Fan-outs in MongoDB: what is sent, to whom, and which page of it is whose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NotRequired, TypedDict

import msgspec
from pymongo import ReturnDocument

from shared.model.fanouts import (
    PAGE,
    FanoutPage,
    FanoutProgress,
    FanoutState,
    StartedFanout,
    TakenPage,
    listed_from,
    takes,
)
from shared.model.formats import check_row_at, readable, stamp
from shared.model.notifications import Notification
from shared.model.outputs import Coordinates
from shared.model.recipients import Recipient
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import Rows, insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms
from shared.process.metrics import DUPLICATES, REPLAYS


class FanoutRow(TypedDict):
    """One fan-out. What MongoDB never looks into is JSON."""

    _id: str
    tenant: str
    event: str
    workflow: str
    version: int
    template: bytes
    state: str
    """A FanoutState."""
    page: int
    """The last one that was taken, 0 for none, by the record at `at`."""
    at: NotRequired[list[str | int]]
    cursor: NotRequired[str]
    recipients: int
    """Of the pages before, as `skipped`."""
    skipped: int
    topic: NotRequired[str]
    where: NotRequired[bytes]
    listed: NotRequired[list[dict[str, object]]]
    listed_count: NotRequired[int]
    named_at: NotRequired[datetime]
    created_at: datetime
    ended_at: NotRequired[datetime]
    format: NotRequired[int]


_PROGRESS: Final = {"template": 0, "listed": 0, "where": 0}


class Fanouts:
    """The `fanouts` collection. All methods raise MongoUnavailable; then the same call may be repeated."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.fanouts

    async def insert(self, fanouts: Sequence[StartedFanout], /) -> None:
        """Stores what is started; one that is there already stays as it is. Then `start_outputs` is written."""
        if fanouts:
            await insert_new(self._rows, [_row(fanout) for fanout in fanouts])

    async def take(self, page: FanoutPage, at: Coordinates, /) -> TakenPage | None:
        """The page, if the record that stands at `at` is the one that counts; None: it is a duplicate, or all is gone.

        The same record may take its page again. Raises NewerFormat.
        """
        place = {"_id": page.fanout, "page": page.page - 1, "state": FanoutState.RUNNING.value}
        change = {
            "page": page.page,
            "at": list(at),
            "cursor": page.cursor,
            "recipients": page.recipients,
            "skipped": page.skipped,
        }
        shown = {"listed": {"$slice": [listed_from(page.cursor), PAGE]}}
        with mongo_border():
            row: FanoutRow | None = await self._rows.find_one_and_update(
                place | readable(), {"$set": change}, projection=shown, return_document=ReturnDocument.AFTER
            )
            if row is None:
                row = await self._rows.find_one({"_id": page.fanout}, shown)
                if row is not None:
                    check_row_at("fan-out", row, at)
                    before = msgspec.convert(row["at"], Coordinates) if "at" in row else None
                    if not takes(page, row["page"], at, before):
                        row = None
                (DUPLICATES if row is None else REPLAYS).labels("fanout").inc()
        return None if row is None else _taken(row, page)

    async def end(self, page: FanoutPage, /) -> FanoutState:
        """The last page is done, with what `page` counts; how it ended: it may have been cancelled meanwhile."""
        change = {
            "state": FanoutState.DONE.value,
            "recipients": page.recipients,
            "skipped": page.skipped,
            "ended_at": to_datetime(now_ms()),
        }
        place = {"_id": page.fanout, "page": page.page}
        with mongo_border():
            await self._rows.update_one(place | {"state": FanoutState.RUNNING.value}, {"$set": change})
            row = await self._rows.find_one(place, {"state": 1})
        return FanoutState(row["state"]) if row else FanoutState.DONE

    async def cancel(self, tenant: str, fanout: str, /) -> FanoutProgress | None:
        """No further page is read; None: the tenant has no such fan-out. One that has ended stays as it is."""
        change = {"state": FanoutState.CANCELLED.value, "ended_at": to_datetime(now_ms())}
        place = {"_id": fanout, "tenant": tenant, "state": FanoutState.RUNNING.value}
        with mongo_border():
            await self._rows.update_one(place, {"$set": change})
        return await self.find(tenant, fanout)

    async def find(self, tenant: str, fanout: str, /) -> FanoutProgress | None:
        """How far it is; None: the tenant has no such fan-out."""
        with mongo_border():
            row = await self._rows.find_one({"_id": fanout, "tenant": tenant}, _PROGRESS)
        return None if row is None else _progress(row)

    async def newest(self, tenant: str, /, *, most: int) -> list[FanoutProgress]:
        """The tenant's, the newest first."""
        with mongo_border():
            rows = self._rows.find({"tenant": tenant}, _PROGRESS).sort("created_at", -1).limit(most)
            return [_progress(row) for row in await rows.to_list(most)]


def _row(fanout: StartedFanout) -> FanoutRow:
    template, now = fanout.template, to_datetime(now_ms())
    row: FanoutRow = {
        "_id": fanout.id,
        "tenant": fanout.tenant,
        "event": template.event_id,
        "workflow": template.workflow,
        "version": template.version,
        "template": msgspec.json.encode(template),
        "state": FanoutState.RUNNING.value,
        "page": 0,
        "recipients": 0,
        "skipped": 0,
        "created_at": now,
    }
    if number := stamp(fanout.format).get("format"):
        row["format"] = number
    if fanout.topic is not None:
        row["topic"] = fanout.topic
    if fanout.where is not None:
        row["where"] = msgspec.json.encode(fanout.where)  # its names have dots in them
    if fanout.listed:
        row["listed"] = msgspec.to_builtins(fanout.listed)
        row["listed_count"] = len(fanout.listed)
    if fanout.named_at is not None:
        row["named_at"] = to_datetime(fanout.named_at)
    return row


def _taken(row: FanoutRow, page: FanoutPage) -> TakenPage:
    fanout = StartedFanout(
        id=row["_id"],
        template=msgspec.json.decode(row["template"], type=Notification),
        topic=row.get("topic"),
        listed=msgspec.convert(row.get("listed", ()), tuple[Recipient, ...]),
        where=msgspec.json.decode(row["where"]) if "where" in row else None,
        named_at=from_datetime(row["named_at"]) if "named_at" in row else None,
    )
    return TakenPage(
        fanout=fanout,
        page=page,
        is_listed="listed_count" in row,
        cancelled=row["state"] == FanoutState.CANCELLED.value,
    )


def _progress(row: FanoutRow) -> FanoutProgress:
    return FanoutProgress(
        id=row["_id"],
        tenant=row["tenant"],
        event=row["event"],
        workflow=row["workflow"],
        version=row["version"],
        state=FanoutState(row["state"]),
        pages=row["page"],
        recipients=row["recipients"],
        skipped=row["skipped"],
        started_at=from_datetime(row["created_at"]),
        ended_at=from_datetime(row["ended_at"]) if "ended_at" in row else None,
        topic=row.get("topic"),
        listed=row.get("listed_count"),
    )
