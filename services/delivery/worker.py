"""The worker of one channel and lane: claim, send, record, publish, acknowledge.

Each delivery is one task that holds a slot from its claim on, so no more is claimed than is sent next; of
one key only one delivery is in flight. What is over its share is claimed without a slot, and parked. Claims, records and outputs of many are written together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from services.delivery.core.attempts import LeaseTooShort
from services.delivery.core.effects import DeliveryEffects
from services.delivery.core.jobs import Job
from services.delivery.core.shares import Group, Slot
from services.delivery.dead_letter_notices import DeadLetterNotices
from services.delivery.rates import MAX_WAIT_MS
from services.delivery.send import Sending
from services.delivery.slots import Slots, urgency_of
from shared.kafka.dead_letters import refuse
from shared.model.channels import Channel, Lane
from shared.model.claims import Claim, Claimed, NewerRow, Obsolete, Recorded
from shared.model.dead_devices import DeadDeviceStore
from shared.model.dead_letters import UnreadableRecord
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.formats import NewerFormat
from shared.model.holds import Hold
from shared.model.ports import HoldStore, LedgerStore, RecordWriter
from shared.model.suppressions import SuppressAddress
from shared.model.topics import Topics
from shared.process.batching import Batcher
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import (
    CRASH_WINDOWS,
    DELIVERIES,
    DELIVERY_ATTEMPTS,
    DELIVERY_SECONDS,
    DUPLICATES,
    IN_FLIGHT,
    REPLAYS,
)
from shared.process.retries import retry_until_available

BULK = 200
HostOf = Callable[[Delivery], str | None]
"""The recipient's host that a delivery is sent to; None: none of his."""


class Worker:
    """Carries single deliveries from claim to durable outputs."""

    def __init__(
        self,
        *,
        channel: Channel,
        lane: Lane,
        ledger: LedgerStore,
        sending: Sending,
        publisher: RecordWriter,
        holds: HoldStore,
        devices: DeadDeviceStore,
        suppress: SuppressAddress,
        topics: Topics,
        slots: Slots,
        lease: timedelta,
        host_of: HostOf | None = None,
    ) -> None:
        self._channel = channel
        self._group = topics.delivery_group(channel, lane)
        self._sending = sending
        self._publisher = publisher
        self._holds = holds
        self._devices = devices
        self._suppress = suppress
        self._topics = topics
        self._lease = lease
        self._slots = slots
        self._host_of = host_of
        self._in_flight = IN_FLIGHT.labels(channel)
        self._dead_letters = DeadLetterNotices(channel, topics)
        self._claim: Batcher[ReceivedDelivery, Claim] = Batcher(
            lambda items: retry_until_available(ledger.claim, items), most=BULK
        )
        self._record: Batcher[tuple[Delivery, DeliveryResult], bool] = Batcher(
            lambda items: retry_until_available(_record, ledger, items), most=BULK
        )
        self._emit: Batcher[DeliveryEffects, None] = Batcher(self._write, most=BULK)

    async def deliver(self, received: ReceivedDelivery, job: Job) -> None:
        """One delivery, until all that follows it is durable. Waits while Kafka or MongoDB are unavailable.

        From its claim on `job` is marked as claimed: then it must be let to finish. Raises NewerFormat, before the claim,
        for what only a newer version can send.
        """
        await self._sending.look_up(received)
        delivery = received.delivery
        host = self._host_of(await self._sending.to(delivery)) if self._host_of else None
        group = Group(delivery.notification.tenant, host)
        await self._await_turn(delivery, job)
        while True:
            parks = job.gives_way or job.turn is not None
            slot = None if parks else await self._slots.take(group, urgency_of(delivery))
            try:
                job.claimed = True
                send_before = time.monotonic() + self._lease.total_seconds() / 2
                claim = await self._claim(received)
                if isinstance(claim, NewerRow):
                    raise NewerFormat("ledger row", claim.format, received.record.coordinates)
                if isinstance(claim, Obsolete):
                    DUPLICATES.labels("ledger").inc()
                    return None
                if isinstance(claim, Recorded):
                    REPLAYS.labels("ledger").inc()
                    return await self._follow(self._sending.effects(self._topics, received, claim.result))
                if isinstance(claim, Claimed):
                    result = await self._send(delivery, claim, job, slot, send_before)
                    if isinstance(result, LeaseTooShort):
                        continue
                    return await self._finish(received, result)
            finally:
                if slot is not None:
                    self._slots.give_back(slot)
            # Another worker holds it: the slot is for those that can be sent.
            give_up_claim(job)
            await asyncio.sleep(claim.seconds)

    async def _await_turn(self, delivery: Delivery, job: Job) -> None:
        """Waits for its turn by the rate limits; when that takes long, notes when it is."""
        now = now_ms()
        if job.gives_way or (turn := await self._sending.turn(delivery, now)).at <= now:
            return
        if turn.at - now > MAX_WAIT_MS:
            job.turn = turn
        else:
            await asyncio.sleep((turn.at - now) / 1000)

    def make_room(self) -> None:
        """Of those that wait for a slot, the ones of a slow host that are over its share give way."""
        self._slots.make_room()

    async def _send(
        self, delivery: Delivery, claim: Claimed, job: Job, slot: Slot | None, send_before: float
    ) -> DeliveryResult | LeaseTooShort:
        failpoint(Failpoint.AFTER_CLAIM)
        if claim.crashed:
            CRASH_WINDOWS.labels(self._channel, self._sending.after_crash).inc()
        if slot is None:
            return await self._sending.give_way(delivery, crashed=claim.crashed, turn=job.turn)
        job.asked = slot.asked
        with self._in_flight.track_inprogress():
            result = await self._sending.send(delivery, slot.asked, crashed=claim.crashed, send_before=send_before)
        job.ended = True
        self._slots.note(slot.group, slot.asked.seconds)
        failpoint(Failpoint.AFTER_SEND)
        return result

    async def _finish(self, received: ReceivedDelivery, result: DeliveryResult) -> None:
        """Records the result and emits what follows it, unless the claim was taken over meanwhile."""
        if not await self._record((received.delivery, result)):
            return
        failpoint(Failpoint.AFTER_RECORD)
        _count(received.delivery, result)
        if result.state is DeliveryState.DEAD:
            self._dead_letters.note(received.delivery, result)
        await self._follow(self._sending.effects(self._topics, received, result))

    async def _follow(self, effects: DeliveryEffects) -> None:
        """All that follows a result. What changes a profile or a list comes after what is told, and no other waits for it."""
        await self._emit(effects)
        if effects.removal is not None and await retry_until_available(self._devices.remove, effects.removal.dead):
            await retry_until_available(self._publisher.publish, effects.removal.outputs)
        if effects.suppression is not None:
            await retry_until_available(self._suppress, effects.suppression)

    async def _write(self, items: list[DeliveryEffects]) -> list[None]:
        """Each step waits until it is done: what is told is not told again because MongoDB is unavailable."""
        await retry_until_available(self._publisher.publish, [output for item in items for output in item.outputs])
        failpoint(Failpoint.AFTER_PRODUCE)
        holds = [item.hold for item in items if item.hold is not None]
        await retry_until_available(self._holds.insert, holds)
        failpoint(Failpoint.AFTER_HOLD)
        await retry_until_available(self._release_late, [hold for hold in holds if hold.account is not None])
        if again := [item.again for item in items if item.again is not None]:
            await retry_until_available(self._publisher.publish, again)
        return [None] * len(items)

    async def _release_late(self, parked: Sequence[Hold]) -> None:
        """An account may have closed, and all that was parked have been released, before these were inserted."""
        waiting = [(hold.id, hold.record.delivery) for hold in parked if hold.record.delivery is not None]
        if waiting:
            taken = await self._sending.answers([delivery for _, delivery in waiting])
            await self._holds.make_due([hold for (hold, _), takes in zip(waiting, taken, strict=True) if takes])

    async def refuse(self, unreadable: UnreadableRecord) -> None:
        """Writes a record that cannot be read to the dead-letter topic."""
        topic = self._topics.deliveries_dlq(self._channel)
        await self._emit(DeliveryEffects(outputs=refuse(topic, [unreadable], group=self._group)))


def give_up_claim(job: Job) -> None:
    """The claim came to nothing: it waits, unclaimed. Raises CancelledError where nobody is to wait for it."""
    job.claimed = False
    if job.leaves:
        raise asyncio.CancelledError


async def _record(ledger: LedgerStore, results: Sequence[tuple[Delivery, DeliveryResult]]) -> list[bool]:
    ours = await ledger.record(results)
    return [delivery.id in ours for delivery, _ in results]


def _count(delivery: Delivery, result: DeliveryResult) -> None:
    DELIVERIES.labels(delivery.channel, result.state, result.reason or "none").inc()
    DELIVERY_SECONDS.labels(delivery.channel).observe(max(0, result.at - delivery.notification.accepted_at) / 1000)
    if result.state in (DeliveryState.SENT, DeliveryState.DEAD):
        DELIVERY_ATTEMPTS.labels(delivery.channel, result.state).observe(result.attempts)
