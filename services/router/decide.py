"""The door's shell, one chunk at a time: read inputs, decide, store; then place holds, close rows, produce.

The caller acknowledges the chunk when `finish` returns. Trouble with Kafka or MongoDB repeats the
chunk: decisions that are stored already are then met as replays of themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from pymongo import UpdateOne

from services.router.core.decision import Decision
from services.router.core.effects import Closing, Effects, effects
from services.router.core.routing import Deliver, HoldUntil, RoutingInput, Suppress, route
from services.router.decisions import store
from services.router.inputs import Profiles
from services.router.poison import Poison, dead_letters
from shared.catalog.cache import Catalog
from shared.kafka.producer import Publisher
from shared.model.deliveries import TERMINAL
from shared.model.errors import InvalidRecord
from shared.model.notifications import Notification
from shared.model.outputs import Coordinates
from shared.model.records import Kind, Record, decode_record
from shared.model.topics import Topics
from shared.mongo import holds
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import DECISIONS

Message = Any
"""A Faust event; `.message` holds topic, partition, offset, key, value, headers."""


OUTCOMES = {Deliver: "deliver", HoldUntil: "hold", Suppress: "suppress"}


class InboundRecord(NamedTuple):
    """A record at the door, the notification it is about, and where it stands."""

    record: Record
    about: Notification
    coordinates: Coordinates


class Decided(NamedTuple):
    """A chunk whose decisions are stored, and what is to be done about it."""

    carried: list[Decision]
    effects: Effects
    poison: list[Poison]


class Decide:
    """Decides chunks of `notifications.v1`."""

    def __init__(
        self,
        *,
        database: Database,
        publisher: Publisher,
        catalog: Catalog,
        profiles: Profiles,
        topics: Topics,
        spread_ms: int,
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._catalog = catalog
        self._profiles = profiles
        self._topics = topics
        self._spread_ms = spread_ms

    async def prepare(self, chunk: Sequence[Message]) -> Decided:
        """Decides a chunk and stores the decisions. Raises MongoUnavailable: call again with the same chunk."""
        poison: list[Poison] = []
        records = self._read(chunk, poison)
        decided = await self._decisions(records)
        carried = await store(self._database, decided)
        failpoint(Failpoint.AFTER_DECISION)
        return Decided(carried=carried, effects=effects(self._topics, carried), poison=poison)

    async def finish(self, decided: Decided) -> None:
        """Carries out what was decided; returns when all of it is durable.

        Raises MongoUnavailable or KafkaUnavailable: call again, everything in it may be repeated.
        """
        follow = decided.effects
        await holds.place(self._database, follow.holds)
        failpoint(Failpoint.AFTER_HOLD)
        await self._close(follow.closings)
        await self._publisher.publish(follow.outputs + dead_letters(self._topics, decided.poison, "router"))
        failpoint(Failpoint.AFTER_PRODUCE)
        _count(decided.carried)

    def _read(self, chunk: Sequence[Message], poison: list[Poison]) -> list[InboundRecord]:
        records: list[InboundRecord] = []
        for event in chunk:
            message = event.message
            try:
                record = decode_record(message.value)
            except InvalidRecord as error:
                poison.append(Poison(message, error))
                continue
            if record.kind is Kind.PROFILE_CHANGED:
                # Evicted before this chunk's look-ups, so everything in the chunk sees the new profile.
                self._profiles.forget(f"{record.tenant}:{record.user}")
            elif (about := record.about) is not None:
                records.append(
                    InboundRecord(record, about, Coordinates(message.topic, message.partition, message.offset))
                )
        return records

    async def _decisions(self, records: list[InboundRecord]) -> list[Decision]:
        now = now_ms()
        abouts = [about for _, about, _ in records]
        known = await self._profiles.load([f"{about.tenant}:{about.user}" for about in abouts], now)
        await self._catalog.fetch(
            (about.tenant, about.workflow, about.version)
            for about in abouts
            if self._catalog.version(about.tenant, about.workflow, about.version) is None
        )
        cancels = await self._cancel_counts(abouts)
        decisions = []
        for record, about, coordinates in records:
            user = known[f"{about.tenant}:{about.user}"]
            asked = RoutingInput(
                notification=about,
                workflow=self._catalog.version(about.tenant, about.workflow, about.version),
                profile=user.profile,
                cancel_count=cancels.get(f"{about.tenant}:{about.cancellation_key}", 0),
                now=max(now, record.due or 0),
                spread_ms=self._spread_ms,
                channel=record.delivery.channel if record.delivery else record.channel,
                step=record.delivery.step if record.delivery else record.step,
            )
            decisions.append(
                Decision(
                    record=record,
                    notification=about,
                    coordinates=coordinates,
                    items=route(asked),
                    at=now,
                    profile_version=user.profile.version if user.profile else 0,
                    snapshot=user.snapshot,
                )
            )
        return decisions

    async def _cancel_counts(self, abouts: list[Notification]) -> dict[str, int]:
        """Counters of the chunk's cancellation keys, read afresh each time."""
        keys = {f"{about.tenant}:{about.cancellation_key}" for about in abouts if about.cancellation_key}
        if not keys:
            return {}
        with mongo_border():
            rows = self._database.cancellations.find({"_id": {"$in": sorted(keys)}})
            return {row["_id"]: row["count"] async for row in rows}

    async def _close(self, closings: list[Closing]) -> None:
        """Ends ledger rows that nobody will send any more, unless they have moved on."""
        if not closings:
            return
        updates = [
            UpdateOne(
                {
                    "_id": closing.delivery,
                    "generation": closing.generation,
                    "pass": {"$lt": closing.pass_},
                    "state": {"$nin": sorted(TERMINAL)},
                },
                {"$set": {"pass": closing.pass_, "state": closing.state, "outcome": {"reason": closing.reason}}},
            )
            for closing in closings
        ]
        with mongo_border():
            await self._database.deliveries.bulk_write(updates, ordered=False)


def _count(decisions: list[Decision]) -> None:
    outcomes = Counter(
        (OUTCOMES[type(item)], getattr(item, "reason", "none")) for decision in decisions for item in decision.items
    )
    for (outcome, reason), count in outcomes.items():
        DECISIONS.labels(outcome, reason).inc(count)
