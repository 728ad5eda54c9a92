"""The worker of one channel and lane: claim, send, record, publish, acknowledge.

Each delivery is one task that holds a slot from its claim on, so no more is claimed than is sent next; of
one key only one delivery is under way. Claims, records and outputs of many are written together.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from services.delivery.core.attempts import Fate
from services.delivery.core.effects import Came, Following, following
from services.delivery.ledger import Busy, Claim, Claimed, Ledger, Obsolete, Recorded
from services.delivery.send import Sending
from shared.kafka.producer import Publisher
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.outputs import Coordinates, Output
from shared.model.topics import Topics
from shared.mongo import holds
from shared.mongo.database import Database
from shared.process.batching import Batcher
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import (
    CRASH_WINDOWS,
    DEAD_LETTERS,
    DELIVERIES,
    DELIVERY_SECONDS,
    DUPLICATES,
    IN_FLIGHT,
    REPLAYS,
)
from shared.process.retries import patiently

BULK = 200


class Worker:
    """Carries single deliveries from claim to durable outputs."""

    def __init__(
        self,
        *,
        channel: Channel,
        ledger: Ledger,
        sending: Sending,
        publisher: Publisher,
        database: Database,
        topics: Topics,
        slots: int,
        lease: timedelta,
    ) -> None:
        self._channel = channel
        self._sending = sending
        self._publisher = publisher
        self._database = database
        self._topics = topics
        self._lease = lease
        self._slots = asyncio.Semaphore(slots)
        self._in_flight = IN_FLIGHT.labels(channel)
        self._claim: Batcher[Came, Claim] = Batcher(lambda items: patiently()(ledger.claim, items), most=BULK)
        self._record: Batcher[tuple[Delivery, Fate], bool] = Batcher(
            lambda items: patiently()(_record, ledger, items), most=BULK
        )
        self._emit: Batcher[Following, None] = Batcher(lambda items: patiently()(self._write, items), most=BULK)

    async def deliver(self, came: Came, under_way: set[Coordinates]) -> None:
        """One delivery, until all that follows it is durable. Waits while Kafka or MongoDB are away.

        From its claim on it stands in `under_way`: then it must be let to finish.
        """
        while True:
            async with self._slots:
                under_way.add(came.coordinates)
                send_before = time.monotonic() + self._lease.total_seconds() / 2
                claim = await self._claim(came)
                if isinstance(claim, Obsolete):
                    DUPLICATES.labels("ledger").inc()
                    return
                if not isinstance(claim, Busy):
                    if await self._carry(came, claim, send_before):
                        return
                    continue
            # Somebody else holds it: the slot is for those that can be sent.
            under_way.discard(came.coordinates)
            await asyncio.sleep(claim.seconds)

    async def _carry(self, came: Came, claim: Claimed | Recorded, send_before: float) -> bool:
        """From a claim to its outputs; False when the lease ran low before the send: claim again."""
        if isinstance(claim, Recorded):
            REPLAYS.labels("ledger").inc()
            fate: Fate | None = claim.fate
        else:
            failpoint(Failpoint.AFTER_CLAIM)
            if claim.crashed:
                CRASH_WINDOWS.labels(self._channel, self._sending.after_crash).inc()
            with self._in_flight.track_inprogress():
                fate = await self._sending.fate(came.delivery, crashed=claim.crashed, send_before=send_before)
            failpoint(Failpoint.AFTER_SEND)
            if fate is None:
                return False
            if not await self._record((came.delivery, fate)):
                return True
            failpoint(Failpoint.AFTER_RECORD)
            _count(came.delivery, fate)
        if fate is not None:
            await self._emit(following(self._topics, came, fate))
        return True

    async def _write(self, items: list[Following]) -> list[None]:
        await holds.place(self._database, [item.hold for item in items if item.hold is not None])
        failpoint(Failpoint.AFTER_HOLD)
        await self._publisher.publish(output for item in items for output in item.outputs)
        failpoint(Failpoint.AFTER_PRODUCE)
        return [None] * len(items)

    async def refuse(self, letter: Output, code: str) -> None:
        """Writes a record that cannot be read to the dead-letter topic."""
        DEAD_LETTERS.labels(letter.topic, code).inc()
        await self._emit(Following(outputs=[letter]))


async def _record(ledger: Ledger, items: list[tuple[Delivery, Fate]]) -> list[bool]:
    ours = await ledger.record(items)
    return [delivery.id in ours for delivery, _ in items]


def _count(delivery: Delivery, fate: Fate) -> None:
    DELIVERIES.labels(delivery.channel, fate.state, fate.reason or "none").inc()
    DELIVERY_SECONDS.labels(delivery.channel).observe(max(0, fate.at - delivery.notification.accepted_at) / 1000)
