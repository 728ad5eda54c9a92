"""The worker of one channel and lane: claim, send, record, publish, acknowledge.

Each delivery is one task that holds a slot from its claim on, so no more is claimed than is sent next; of
one key only one delivery is under way. Claims, records and outputs of many are written together.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from services.delivery.core.attempts import DeliveryResult
from services.delivery.core.effects import DeliveryEffects, ReceivedDelivery, derive_effects
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
from shared.process.retries import retry_until_available

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
        self._claim: Batcher[ReceivedDelivery, Claim] = Batcher(
            lambda items: retry_until_available()(ledger.claim, items), most=BULK
        )
        self._record: Batcher[tuple[Delivery, DeliveryResult], bool] = Batcher(
            lambda items: retry_until_available()(_record, ledger, items), most=BULK
        )
        self._emit: Batcher[DeliveryEffects, None] = Batcher(
            lambda items: retry_until_available()(self._write, items), most=BULK
        )

    async def deliver(self, received: ReceivedDelivery, under_way: set[Coordinates]) -> None:
        """One delivery, until all that follows it is durable. Waits while Kafka or MongoDB are away.

        From its claim on it stands in `under_way`: then it must be let to finish.
        """
        while True:
            async with self._slots:
                under_way.add(received.coordinates)
                send_before = time.monotonic() + self._lease.total_seconds() / 2
                claim = await self._claim(received)
                if isinstance(claim, Obsolete):
                    DUPLICATES.labels("ledger").inc()
                    return
                if not isinstance(claim, Busy):
                    if await self._carry(received, claim, send_before):
                        return
                    continue
            # Somebody else holds it: the slot is for those that can be sent.
            under_way.discard(received.coordinates)
            await asyncio.sleep(claim.seconds)

    async def _carry(self, received: ReceivedDelivery, claim: Claimed | Recorded, send_before: float) -> bool:
        """From a claim to its outputs; False when the lease ran low before the send: claim again."""
        if isinstance(claim, Recorded):
            REPLAYS.labels("ledger").inc()
            result: DeliveryResult | None = claim.result
        else:
            failpoint(Failpoint.AFTER_CLAIM)
            if claim.crashed:
                CRASH_WINDOWS.labels(self._channel, self._sending.after_crash).inc()
            with self._in_flight.track_inprogress():
                result = await self._sending.result(received.delivery, crashed=claim.crashed, send_before=send_before)
            failpoint(Failpoint.AFTER_SEND)
            if result is None:
                return False
            if not await self._record((received.delivery, result)):
                return True
            failpoint(Failpoint.AFTER_RECORD)
            _count(received.delivery, result)
        if result is not None:
            await self._emit(derive_effects(self._topics, received, result))
        return True

    async def _write(self, items: list[DeliveryEffects]) -> list[None]:
        await holds.place(self._database, [item.hold for item in items if item.hold is not None])
        failpoint(Failpoint.AFTER_HOLD)
        await self._publisher.publish(output for item in items for output in item.outputs)
        failpoint(Failpoint.AFTER_PRODUCE)
        return [None] * len(items)

    async def refuse(self, letter: Output, code: str) -> None:
        """Writes a record that cannot be read to the dead-letter topic."""
        DEAD_LETTERS.labels(letter.topic, code).inc()
        await self._emit(DeliveryEffects(outputs=[letter]))


async def _record(ledger: Ledger, items: list[tuple[Delivery, DeliveryResult]]) -> list[bool]:
    ours = await ledger.record(items)
    return [delivery.id in ours for delivery, _ in items]


def _count(delivery: Delivery, result: DeliveryResult) -> None:
    DELIVERIES.labels(delivery.channel, result.state, result.reason or "none").inc()
    DELIVERY_SECONDS.labels(delivery.channel).observe(max(0, result.at - delivery.notification.accepted_at) / 1000)
