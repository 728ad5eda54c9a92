"""What waits for a tenant's own senders: each delivery is taken by one of them, and its report is kept once.

Every filter has the tenant. Leases are on the server's clock.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from pymongo import UpdateOne

from shared.model import formats
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.pull import PulledDelivery, PullReport, ReportAnswer, TakenDelivery
from shared.model.timestamps import from_datetime
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.leases import FREE, server_time
from shared.mongo.pull_rows import MAX_BYTES, PullRow, from_row, place, report_of, stale_report

AHEAD: Final = 4
"""How many takes' worth of what waits senders share out among them, while they meet one another."""


class PullTaking:
    """A PullSenders over the collection `deliveries`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: Rows = database.deliveries
        self._contended = False
        """Somebody else took some of what the last look found."""

    async def waiting(self, tenant: str, *, workflow: str | None, most: int) -> list[PulledDelivery]:
        """While others take the same ones, each looks further down the queue at random."""
        with mongo_border():
            now = await server_time(self._database)
            wanted = _may_be_taken(tenant, now) | ({"pull.workflow": workflow} if workflow is not None else {})
            skipped = random.randrange(AHEAD) * most if self._contended else 0  # noqa: S311  # spreads, guards nothing
            found = await self._find(wanted, most, skipped)
            return found or (await self._find(wanted, most, 0) if skipped else [])

    async def _find(self, wanted: Mapping[str, object], most: int, skipped: int) -> list[PulledDelivery]:
        order = [("pull.rank", -1), ("pull.accepted_at", 1)]
        rows = self._rows.find(wanted).sort(order).skip(skipped).limit(most).batch_size(most + 1)
        found: list[PulledDelivery] = []
        size = 0
        async for row in rows:
            pulled = from_row(row)
            if pulled.delivery.address:  # else it is just being erased
                found.append(pulled)
            size += row["pull"]["size"]
            if size >= MAX_BYTES:
                await rows.close()
                break
        return found

    async def send_back(self, tenant: str, stale: list[PulledDelivery]) -> None:
        """A worker then brings them to `decide`."""
        if not stale:
            return
        with mongo_border():
            now = await server_time(self._database)
            changes = {"$set": {"taken": stale_report(now), "pull.ready": False, "pull.look": FREE}}
            waiting = _may_be_taken(tenant, now)
            updates = [UpdateOne(waiting | place(pulled.delivery), changes) for pulled in stale]
            await self._rows.bulk_write(updates, ordered=False)

    async def take(
        self, tenant: str, found: list[PulledDelivery], *, token: str, lease_seconds: int
    ) -> list[TakenDelivery]:
        """One write for all of them; whoever was faster has what he got."""
        if not found:
            return []
        with mongo_border():
            now = await server_time(self._database)
            until = now + timedelta(seconds=lease_seconds)
            taken = {"taken": {"token": token, "at": now, "until": until}, "pull.ready": False, "pull.look": until}
            each = {"$or": [place(pulled.delivery) for pulled in found]}
            result = await self._rows.update_many(_may_be_taken(tenant, now) | each, {"$set": taken})
            self._contended = result.modified_count < len(found)
            ours = {pulled.delivery.id for pulled in found}
            if self._contended:
                mine = {"_id": {"$in": sorted(ours)}, "tenant": tenant, "taken.token": token}
                ours = {row["_id"] async for row in self._rows.find(mine, {"_id": 1})}
        return [
            TakenDelivery(delivery=pulled.delivery, token=token, lease_until=from_datetime(until))
            for pulled in found
            if pulled.delivery.id in ours
        ]

    async def held(self, tenant: str, token: str) -> list[TakenDelivery]:
        """As long as nothing has followed the end of the lease."""
        mine = {"tenant": tenant, "taken.token": token, "pull.look": {"$exists": True}, **_UNREPORTED}
        with mongo_border():
            found = [from_row(row) async for row in self._rows.find(mine | formats.readable())]
        return [
            TakenDelivery(delivery=pulled.delivery, token=token, lease_until=pulled.lease_until)
            for pulled in found
            if pulled.lease_until is not None
        ]

    async def report(self, tenant: str, delivery: str, token: str, report: PullReport) -> ReportAnswer:
        """Counts as long as nothing has followed the end of the lease."""
        with mongo_border():
            now = await server_time(self._database)
            kept = msgspec.structs.replace(report, at=from_datetime(now))
            changes = {"taken.report": msgspec.to_builtins(kept), "pull.look": FREE}
            result = await self._rows.update_one(_held(tenant, delivery, token), {"$set": changes})
            if result.matched_count:
                return ReportAnswer.RECORDED
            return await self._why_not(tenant, delivery, token, kept)

    async def extend(self, tenant: str, delivery: str, token: str, *, lease_seconds: int) -> int | ReportAnswer:
        """From now on; also one that is over, if nobody has noticed."""
        with mongo_border():
            until = await server_time(self._database) + timedelta(seconds=lease_seconds)
            changes = {"taken.until": until, "pull.look": until}
            result = await self._rows.update_one(_held(tenant, delivery, token), {"$set": changes})
            if result.matched_count:
                return from_datetime(until)
            return await self._why_not(tenant, delivery, token, None)

    async def _why_not(self, tenant: str, delivery: str, token: str, report: PullReport | None) -> ReportAnswer:
        known = {"_id": delivery, "tenant": tenant, "channel": Channel.PULL}
        row: PullRow | None = await self._rows.find_one(known, {"taken": 1})
        if row is None:
            return ReportAnswer.UNKNOWN
        taken = row.get("taken")
        if taken is None or taken["token"] != token or (said := report_of(taken)) is None:
            return ReportAnswer.LEASE_LOST
        if report is not None and msgspec.structs.replace(said, at=report.at) == report:
            return ReportAnswer.REPEATED
        return ReportAnswer.OTHER


_UNREPORTED: Final[dict[str, object]] = {"state": DeliveryState.CLAIMED, "taken.report": {"$exists": False}}


def _may_be_taken(tenant: str, now: datetime) -> dict[str, object]:
    return {
        "tenant": tenant,
        "pull.ready": True,
        "state": DeliveryState.CLAIMED,
        "pull.expires_at": {"$gt": now},
        **formats.readable(),
    }


def _held(tenant: str, delivery: str, token: str) -> dict[str, object]:
    """The row of a delivery that this token has, and of which nothing is reported or recorded."""
    return {
        "_id": delivery,
        "tenant": tenant,
        "channel": Channel.PULL,
        "taken.token": token,
        "pull": {"$exists": True},
        **_UNREPORTED,
    }
