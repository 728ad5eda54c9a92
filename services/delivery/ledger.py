"""The ledger: one row per delivery, claimed right before the send, recorded right after it.

A claim is an insert, or a compare-and-set from an earlier (generation, pass). What is met at the same pass
is a replay (recorded), somebody at work (claimed, lease alive) or a crash window (claimed, lease over).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from pymongo import UpdateOne

from services.delivery.core.attempts import DeliveryResult
from services.delivery.core.effects import ReceivedDelivery
from shared.model.deliveries import TERMINAL, Delivery, DeliveryState
from shared.mongo.bulk import insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.leases import server_time


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """Ours to send until the lease ends; `crashed`: somebody died over it, sent or not."""

    token: str
    until: datetime
    crashed: bool = False


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A replay: the result is known, its outputs are re-emitted."""

    result: DeliveryResult


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody else holds the lease for `seconds` more."""

    seconds: float


class Obsolete(msgspec.Struct, frozen=True, kw_only=True):
    """The row has gone on past this record: nothing to do."""


Claim = Claimed | Recorded | Busy | Obsolete


class Ledger:
    """Claims and records deliveries. `token` names this process's claims: it is their fence."""

    def __init__(self, database: Database, *, token: str, lease: timedelta) -> None:
        self._database = database
        self._token = token
        self._lease = lease

    async def claim(self, batch: Sequence[ReceivedDelivery]) -> list[Claim]:
        """One claim for each, in order. Raises MongoUnavailable; claiming again then finds its own claims."""
        with mongo_border():
            now = await server_time(self._database)
        until = now + self._lease
        rows = [self._row(received, until, now) for received in batch]
        seen = await insert_new(self._database.deliveries, rows)
        claims: list[Claim] = [Claimed(token=self._token, until=until) for _ in batch]
        if seen:
            with mongo_border():
                wanted = [batch[position].delivery.id for position in seen]
                found = self._database.deliveries.find({"_id": {"$in": wanted}})
                stored = {row["_id"]: row async for row in found}
                for position in seen:
                    delivery = batch[position].delivery
                    claims[position] = await self._meet(batch[position], stored[delivery.id], now, until)
        return claims

    async def _meet(self, received: ReceivedDelivery, row: dict[str, Any], now: datetime, until: datetime) -> Claim:
        """What a row that was there already means for a record."""
        delivery = received.delivery
        here, there = (delivery.generation, delivery.pass_), (row["generation"], row["pass"])
        state = DeliveryState(row["state"])
        ours = row["lease"]["token"] == self._token
        if there > here or (there < here and state in TERMINAL and row["generation"] == delivery.generation):
            return Obsolete()
        if there == here:
            if state is not DeliveryState.CLAIMED:
                return (
                    Recorded(result=msgspec.convert(row["result"], DeliveryResult)) if "result" in row else Obsolete()
                )
            if not ours and row["lease"]["until"] > now:
                return Busy(seconds=(row["lease"]["until"] - now).total_seconds())
        # Our own claim, met again, is renewed; it stays what it was if somebody died over it before.
        crashed = there == here and (not ours or row.get("crashed", False))
        taken = self._row(received, until, now) | {"crashed": crashed}
        del taken["_id"], taken["created_at"]
        result = await self._database.deliveries.update_one(
            {"_id": delivery.id, "generation": row["generation"], "pass": row["pass"], "state": row["state"],
             "lease": row["lease"]},
            {"$set": taken},
        )  # fmt: skip
        if result.matched_count == 0:
            return Busy(seconds=0.05)  # somebody was faster; look again
        return Claimed(token=self._token, until=until, crashed=crashed)

    async def record(self, results: Sequence[tuple[Delivery, DeliveryResult]]) -> set[str]:
        """Records results, each fenced by this process's token; returns the deliveries still its own.

        What is not returned was taken over after its lease ended: the new owner says what follows. Raises
        MongoUnavailable.
        """
        updates = [
            UpdateOne(
                {
                    "_id": delivery.id,
                    "generation": delivery.generation,
                    "pass": delivery.pass_,
                    "lease.token": self._token,
                },
                {"$set": {"state": result.state, "attempts": result.attempts, "result": msgspec.to_builtins(result)}},
            )
            for delivery, result in results
        ]
        ours = {delivery.id for delivery, _ in results}
        if not updates:
            return ours
        with mongo_border():
            result = await self._database.deliveries.bulk_write(updates, ordered=False)
            if result.matched_count < len(updates):
                rows = self._database.deliveries.find(
                    {"_id": {"$in": sorted(ours)}, "lease.token": self._token}, {"_id": 1}
                )
                ours = {row["_id"] async for row in rows}
        return ours

    def _row(self, received: ReceivedDelivery, until: datetime, now: datetime) -> dict[str, Any]:
        delivery, where = received.delivery, received.coordinates
        return {
            "_id": delivery.id,
            "tenant": delivery.notification.tenant,
            "user": delivery.notification.user,
            "notification": delivery.notification.id,
            "channel": delivery.channel,
            "generation": delivery.generation,
            "pass": delivery.pass_,
            "state": DeliveryState.CLAIMED,
            "attempts": delivery.attempts + 1,
            "lease": {"token": self._token, "until": until},
            "topic": where.topic,
            "partition": where.partition,
            "offset": where.offset,
            "created_at": now,
        }
