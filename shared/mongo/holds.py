"""Holds in MongoDB: inserted before the offset that caused them is committed, claimed when due, then deleted.

The same hold inserted twice is one hold. A claim has a token and a lease on the server's clock; what was
claimed is produced, then deleted by that token.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from pymongo import UpdateOne

from shared.model import formats
from shared.model.channels import Channel
from shared.model.holds import Hastening, Hold, ParkedHold
from shared.model.tenants import StopSweep, Swept
from shared.mongo.bulk import Rows, insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.hastening import hasten_users
from shared.mongo.held_by_stops import STOPPED, sweep_stopped
from shared.mongo.hold_claims import HoldClaims
from shared.mongo.hold_rows import ClaimedHold, claimed_of, hold_row, parked_of
from shared.mongo.leases import FREE, delete_claimed, free_at, new_lease, server_time


class Holds:
    """The `holds` collection. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: Rows = database.holds
        self._claims = HoldClaims(self._rows)

    async def insert(self, holds: Sequence[Hold]) -> None:
        """Stores holds; those that are there already stay as they are."""
        if holds:
            await insert_new(self._rows, [hold_row(hold) for hold in holds])

    async def claim(self, *, most: int, lease: timedelta) -> tuple[str, list[ClaimedHold]]:
        """Claims up to `most` due holds; returns the token and what was won.

        The oldest come first; when more are due than that, each tenant has its share. What a newer version wrote is left
        to a newer scheduler.
        """
        with mongo_border():
            claim = await new_lease(self._database, lease)
            return claim.token, [claimed_of(row, claim.now) for row in await self._claims.claim(claim, most=most)]

    async def seconds_to_next(self, most: float) -> float:
        """How long until the next hold is due, at most `most`."""
        with mongo_border():
            now = await server_time(self._database)
            row = await self._rows.find_one(free_at(now) | formats.readable(), {"due": 1}, sort=[("due", 1)])
        return most if row is None else max(0.0, min(most, (row["due"] - now).total_seconds()))

    async def newer(self, most: int) -> int:
        """How many due holds only a newer version can release, counted up to `most`."""
        with mongo_border():
            now = await server_time(self._database)
            wanted = {"due": {"$lte": now}, "format": {"$gt": formats.FORMAT}}
            return int(await self._rows.count_documents(wanted, limit=most))

    async def release(self, token: str) -> None:
        """Deletes what was claimed under `token`; a lease that was lost meanwhile changes nothing."""
        with mongo_border():
            await delete_claimed(self._rows, token)

    async def parked(
        self, accounts: Collection[str], *, most: int, of: Collection[str] | None = None
    ) -> list[ParkedHold]:
        """As ParkedHolds says."""
        with mongo_border():
            now = await server_time(self._database)
            waiting = {"account": {"$in": sorted(accounts)}, "due": {"$gt": now}} | formats.readable()
            waiting |= {} if of is None else {"tenant": {"$in": sorted(of)}}
            found = self._rows.find(waiting, {"record": 1}).sort([("rank", -1), ("accepted_at", 1)]).limit(most)
            return [parked_of(row) async for row in found]  # each record is let go of at once: they may be large

    async def parked_under(self, channel: Channel) -> set[str]:
        """The accounts of the operator's own for which anything of a channel waits."""
        with mongo_border():  # `/` comes before `0`: the channel itself, as it was called once, and what begins with it
            named = {"account": {"$gte": str(channel), "$lt": f"{channel}0"}}
            found = await self._rows.distinct("account", named)
            return {name for name in found if name.partition("/")[0] == channel}

    async def parked_tenants(self, account: str) -> set[str]:
        """As ParkedHolds says."""
        with mongo_border():
            return set(await self._rows.distinct("tenant", {"account": account}))

    async def count_parked(self, accounts: Collection[str], *, most: int) -> int:
        """How many wait for these accounts and are not due yet, counted up to `most`."""
        if not accounts:
            return 0
        with mongo_border():
            waiting = {"account": {"$in": sorted(accounts)}, "due": {"$gt": await server_time(self._database)}}
            return int(await self._rows.count_documents(waiting, limit=most))

    async def make_due(self, holds: Sequence[str]) -> None:
        """They go back to `decide` now, in this order: a millisecond apart, since that is what they are claimed by."""
        if holds:
            with mongo_border():
                now = await server_time(self._database)
                dues = [now - timedelta(milliseconds=behind) for behind in reversed(range(len(holds)))]
                updates = [
                    UpdateOne({"_id": hold, "due": {"$gt": now}}, {"$set": {"due": due}})
                    for hold, due in zip(holds, dues, strict=True)
                ]
                await self._rows.bulk_write(updates, ordered=False)

    async def hasten(self, tenant: str, cancellation_key: str, *, cancel_count: int) -> int:
        """Makes the key's holds that were accepted under a smaller counter due now; returns how many.

        `decide` then ends them. What was accepted since the counter rose is left to its time: it would be early.
        """
        concerned = {"tenant": tenant, "cancellation_key": cancellation_key, "cancel_count": {"$lt": cancel_count}}
        with mongo_border():
            # As of now: what a stop holds is due when it expires, and would end as that.
            result = await self._rows.update_many(concerned, {"$set": {"due": FREE, "hastened": True}})
        return int(result.modified_count)

    async def bring_forward(self, holds: Sequence[str], notifications: Sequence[tuple[str, str]]) -> None:
        """As HoldStore says."""
        wanted: list[dict[str, object]] = [{"_id": {"$in": list(holds)}}] if holds else []
        for tenant in sorted({tenant for tenant, _ in notifications}):
            theirs = [one for whose, one in notifications if whose == tenant]
            wanted.append({"notification": {"$in": theirs}, "tenant": tenant})
        if wanted:
            with mongo_border():
                now = await server_time(self._database)
                # Not with its old time: it would be decided as of that. One that is claimed is on its way already.
                brought = {"$min": {"due": now}, "$set": {"hastened": True}}
                await self._rows.update_many({"$or": wanted, **free_at(now)}, brought)

    async def hasten_users(self, changes: Mapping[str, Hastening]) -> dict[str, Hastening]:
        """As HoldStore says."""
        with mongo_border():
            return await hasten_users(self._rows, changes, await server_time(self._database))

    async def sweep_stopped(self, tenant: str, sweep: StopSweep) -> Swept:
        """As HoldStore says."""
        with mongo_border():
            return await sweep_stopped(self._rows, tenant, sweep, await server_time(self._database))

    async def stopped_tenants(self) -> list[str]:
        """As HoldStore says."""
        with mongo_border():
            return sorted(await self._rows.distinct("tenant", STOPPED))

    async def count(self) -> int:
        """How many there are; cheap at any size, and as exact as after an unclean stop of MongoDB it can be."""
        with mongo_border():
            return int(await self._rows.estimated_document_count())

    async def count_stopped(self, tenant: str | None, *, most: int) -> int:
        """How many holds of the tenant (None: of all) a stop has caused, counted up to `most`."""
        with mongo_border():
            wanted = STOPPED if tenant is None else STOPPED | {"tenant": tenant}
            return int(await self._rows.count_documents(wanted, limit=most))
