"""The ledger: one row per delivery, claimed right before the send, recorded right after it, closed by `decide`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NotRequired, TypedDict
from uuid import uuid4

import msgspec
from pymongo import UpdateOne

from shared.model import formats
from shared.model.attempts import attempts_of
from shared.model.claims import Busy, Claim, Claimed, Closing, LedgerEntry, judge
from shared.model.deliveries import ENDED_BY_DECIDE, TERMINAL, Delivery, DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.devices import DEFAULT_ENDPOINT
from shared.model.statuses import copy_facts
from shared.mongo.bulk import find_by_id, insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.leases import Lease, new_lease

LEASE: Final = timedelta(seconds=60)
COMPARED: Final = frozenset({"_id", "generation", "pass", "state", "token", "lease"})
"""What must be as it was read for a row to be taken over."""
LOST_RACE: Final = Busy(seconds=0.05)
"""Somebody changed the row between look and write: look again."""


_Pass = TypedDict("_Pass", {"pass": int})  # a keyword cannot be a field of a class


class _Leased(_Pass):
    _id: str
    tenant: str
    user: str
    notification: str
    channel: str
    generation: int
    state: str
    attempts: int
    token: str
    lease: datetime
    topic: str
    partition: int
    offset: int
    created_at: datetime


class LedgerRow(_Leased, total=False):
    """One delivery. `crashed`: a worker died over this pass. `result` once there is one."""

    step: str
    endpoint: NotRequired[str]
    """Which device, of a channel that reaches several."""
    workflow: NotRequired[str]
    variant: NotRequired[str]
    """Which of the workflow's texts."""
    locale: NotRequired[str]
    format: int
    crashed: bool
    maybe_sent: bool
    """A worker died over it in whatever pass: nobody knows whether it had sent it then."""
    result: dict[str, object]
    last_attempts: list[dict[str, object]]
    """Of the result."""
    attempt_log: list[dict[str, object]]
    """Of the passes before."""


class Ledger:
    """The `deliveries` collection. `token` names this process's claims: it is their fence.

    All methods raise MongoUnavailable; then the same call may be repeated.
    """

    def __init__(self, database: Database, *, lease: timedelta = LEASE, token: str | None = None) -> None:
        self._database = database
        self._rows = database.deliveries
        self._lease = lease
        self._token = token or uuid4().hex

    async def claim(self, batch: Sequence[ReceivedDelivery]) -> list[Claim]:
        """One claim for each, in order. Repeated after a failure it finds its own claims."""
        with mongo_border():
            lease = await new_lease(self._database, self._lease, self._token)
        seen = await insert_new(self._rows, [claimed_row(received, lease) for received in batch])
        claims: list[Claim] = [Claimed() for _ in batch]
        if seen:
            stored: dict[str, LedgerRow] = await find_by_id(
                self._rows, [batch[position].delivery.id for position in seen]
            )
            for position in seen:
                received = batch[position]
                claims[position] = await self._claim_again(received, stored[received.delivery.id], lease)
        return claims

    async def _claim_again(self, received: ReceivedDelivery, row: LedgerRow, lease: Lease) -> Claim:
        claim = judge(entry_of(row, lease.now), received.delivery, self._token)
        if not isinstance(claim, Claimed):
            return claim
        fresh = claimed_row(received, lease)
        taken = {name: value for name, value in fresh.items() if name not in ("_id", "created_at")}
        if received.delivery.generation > row["generation"]:
            taken["created_at"] = lease.now  # a redrive is guarded against its replays as long as what is new
        if "format" in row:
            taken["format"] = received.delivery.format
        if claim.crashed:
            taken["maybe_sent"] = True
        if earlier := attempts_of(row):
            taken |= {"attempt_log": earlier, "last_attempts": []}
        as_it_was = {name: value for name, value in row.items() if name in COMPARED}
        with mongo_border():
            result = await self._rows.update_one(as_it_was, {"$set": taken | {"crashed": claim.crashed}})
        return claim if result.matched_count else LOST_RACE

    async def record(self, results: Sequence[tuple[Delivery, DeliveryResult]]) -> set[str]:
        """Records results, each fenced by this process's token; returns the deliveries that are still its own.

        What is not returned was taken over after its lease ended: the new owner says what follows.
        """
        updates = [
            UpdateOne(
                {
                    "_id": delivery.id,
                    "generation": delivery.generation,
                    "pass": delivery.pass_,
                    "token": self._token,
                },
                {"$set": {"attempts": result.attempts, **result_fields(result, delivery.format)}},
            )
            for delivery, result in results
        ]
        ours = {delivery.id for delivery, _ in results}
        if not updates:
            return ours
        with mongo_border():
            written = await self._rows.bulk_write(updates, ordered=False)
            if written.matched_count < len(updates):
                mine = {"_id": {"$in": sorted(ours)}, "token": self._token}
                fields = {"generation": 1, "pass": 1}
                # The token alone is no fence here: this process may have claimed a later pass meanwhile.
                held = {(row["_id"], row["generation"], row["pass"]) async for row in self._rows.find(mine, fields)}
                ours = {one.id for one, _ in results if (one.id, one.generation, one.pass_) in held}
        return ours

    async def close(self, closings: Sequence[Closing]) -> None:
        """Ends rows that nobody will send any more, unless they have moved on or ended; a newer one's stay as they are."""
        if not closings:
            return
        updates = [
            UpdateOne(
                {
                    "_id": closing.delivery,
                    "generation": closing.generation,
                    "pass": {"$lt": closing.pass_},
                    "state": {"$nin": sorted(TERMINAL)},
                    **formats.readable(),
                },
                {"$set": {"pass": closing.pass_, **result_fields(closing.result, formats.OLDEST)}},
            )
            for closing in closings
        ]
        with mongo_border():
            await self._rows.bulk_write(updates, ordered=False)


def claimed_row(received: ReceivedDelivery, lease: Lease) -> LedgerRow:
    """The row of a delivery that is claimed."""
    delivery, record = received.delivery, received.record
    return {
        "_id": delivery.id,
        "tenant": delivery.notification.tenant,
        "user": delivery.notification.user,
        "notification": delivery.notification.id,
        "channel": delivery.channel,
        "step": delivery.step,
        "generation": delivery.generation,
        "pass": delivery.pass_,
        "state": DeliveryState.CLAIMED,
        "attempts": delivery.attempts + 1,
        "token": lease.token,
        "lease": lease.until,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "created_at": lease.now,
        "workflow": delivery.notification.workflow,
        **copy_facts(delivery.variant, delivery.locale),  # type: ignore[typeddict-item]  # strings, where there are any
        **({"endpoint": delivery.endpoint} if delivery.endpoint != DEFAULT_ENDPOINT else {}),
        **formats.stamp(delivery.format),
    }


def entry_of(row: LedgerRow, now: datetime) -> LedgerEntry:
    """The row as a claim at `now` sees it."""
    number = row.get("format", formats.OLDEST)
    newer = number > formats.FORMAT
    return LedgerEntry(
        format=number,
        generation=row["generation"],
        pass_=row["pass"],
        state=DeliveryState.CLAIMED if newer else DeliveryState(row["state"]),
        token=row["token"],
        lease_seconds=(row["lease"] - now).total_seconds(),
        crashed=row.get("crashed", False),
        result=_result_of(row) if "result" in row and not newer else None,
    )


def _result_of(row: LedgerRow) -> DeliveryResult:
    log = [] if row["state"] in ENDED_BY_DECIDE else row.get("last_attempts", [])
    return msgspec.convert({**row["result"], "log": log}, DeliveryResult)


def result_fields(result: DeliveryResult, carried: int) -> dict[str, object]:
    """What a result sets in a row; `carried`: the format of the delivery."""
    stored = msgspec.to_builtins(result)
    log = stored.pop("log", None)
    # Beside the result, so that whoever ends the row by another one leaves it.
    fields = {"state": result.state, "result": stored, **formats.stamp(max(result.format, carried))}
    return fields | {"last_attempts": log} if log else fields
