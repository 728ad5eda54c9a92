"""What senders reported, or did not in time, becomes a result: recorded, told, and only then done with.

Whoever dies in between is followed by another, who finds what is recorded and tells it again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from services.delivery.all_effects import all_effects
from services.delivery.core.attempts import Failed, Sent
from services.delivery.core.pulled import attempt_of, settle, stale
from services.delivery.dead_letter_notices import DeadLetterNotices
from services.delivery.freshness import Freshness
from services.delivery.send import AfterCrash
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.ports import HoldStore, RecordWriter, WorkflowCatalog
from shared.model.pull import PulledDelivery, PullQueue
from shared.model.topics import Topics
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import (
    ATTEMPTS,
    DELIVERIES,
    DELIVERY_ATTEMPTS,
    DELIVERY_SECONDS,
    MAX_COUNTED,
    PULL_WAITING,
    REPLAYS,
    UNCONFIRMED_SENDS,
)
from shared.process.retries import retry_until_available

SLICE: Final = 200
IDLE_SECONDS: Final = 0.25
COUNT_SECONDS: Final = 15.0
Results = list[tuple[PulledDelivery, DeliveryResult]]


class Settling:
    """Any number of processes may run it: each delivery is looked at by one."""

    def __init__(
        self,
        *,
        queue: PullQueue,
        freshness: Freshness,
        publisher: RecordWriter,
        holds: HoldStore,
        catalog: WorkflowCatalog,
        topics: Topics,
        retries: Sequence[int],
        after_crash: AfterCrash,
    ) -> None:
        self._queue = queue
        self._freshness = freshness
        self._publisher = publisher
        self._holds = holds
        self._catalog = catalog
        self._topics = topics
        self._retries = retries
        self._after_crash = after_crash
        self._dead_letters = DeadLetterNotices(Channel.PULL, topics)
        self._count_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Looks until `stop` is set; what it has begun is finished first."""
        while not stop.is_set():
            if await self.look() >= SLICE:
                continue
            await self._count()
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await stop.wait()

    async def look(self) -> int:
        """One slice of what is to be looked at; returns how many that were. Waits while MongoDB or Kafka are unavailable."""
        found = await retry_until_available(self._claim)
        if not found:
            return 0
        now = now_ms()
        told: Results = [(each, each.result) for each in found if each.result is not None]
        REPLAYS.labels("ledger").inc(len(told))
        new: Results = []
        waiting: list[PulledDelivery] = []
        for each in found:
            if each.result is None:
                result = settle(each, now, schedule=self._retries, at_most_once=self._after_crash is AfterCrash.STOP)
                if result is not None:
                    new.append((each, result))
                elif each.lease_until is None:
                    waiting.append(each)
        new += await self._compare(waiting, now)
        recorded = await retry_until_available(self._queue.record, new)
        if recorded:
            failpoint(Failpoint.AFTER_RECORD)
        mine = [(each, result) for each, result in new if each.delivery.id in recorded]
        for each, result in mine:
            self._note(each, result, now)
        await self._tell(told + mine)
        return len(found)

    async def _claim(self) -> list[PulledDelivery]:
        return await self._queue.claim(most=SLICE)

    async def _compare(self, waiting: list[PulledDelivery], now: int) -> Results:
        """Those whose decision holds no more; the others go on waiting. Whoever takes one compares it again."""
        if not waiting:
            return []
        changed = await asyncio.gather(
            *(self._freshness.is_stale(each.delivery, now, critical=each.critical) for each in waiting)
        )
        await retry_until_available(
            self._queue.keep, [each for each, gone in zip(waiting, changed, strict=True) if not gone]
        )
        return [(each, stale(each, now)) for each, gone in zip(waiting, changed, strict=True) if gone]

    async def _tell(self, results: Results) -> None:
        """Each step waits until it is done, as in a worker that sends."""
        if not results:
            return
        effects = [all_effects(self._topics, each.received, result, self._catalog) for each, result in results]
        await retry_until_available(self._publisher.publish, [output for item in effects for output in item.outputs])
        failpoint(Failpoint.AFTER_PRODUCE)
        await retry_until_available(self._holds.insert, [item.hold for item in effects if item.hold is not None])
        failpoint(Failpoint.AFTER_HOLD)
        if again := [item.again for item in effects if item.again is not None]:
            await retry_until_available(self._publisher.publish, again)
        await retry_until_available(self._queue.done, [each for each, _ in results])

    def _note(self, pulled: PulledDelivery, result: DeliveryResult, now: int) -> None:
        outcome = attempt_of(pulled, now)
        if outcome is not None:
            ATTEMPTS.labels(Channel.PULL, "none" if isinstance(outcome, Sent) else outcome.fault).inc()
        if isinstance(outcome, Failed) and outcome.unconfirmed:
            UNCONFIRMED_SENDS.labels(Channel.PULL, self._after_crash).inc()
        DELIVERIES.labels(Channel.PULL, result.state, result.reason or "none").inc()
        accepted_at = pulled.delivery.notification.accepted_at
        DELIVERY_SECONDS.labels(Channel.PULL).observe(max(0, result.at - accepted_at) / 1000)
        if result.state in (DeliveryState.SENT, DeliveryState.DEAD):
            DELIVERY_ATTEMPTS.labels(Channel.PULL, result.state).observe(result.attempts)
        if result.state is DeliveryState.DEAD:
            self._dead_letters.note(pulled.delivery, result)

    async def _count(self) -> None:
        if time.monotonic() >= self._count_at:
            self._count_at = time.monotonic() + COUNT_SECONDS
            PULL_WAITING.set(await retry_until_available(self._counted))

    async def _counted(self) -> int:
        return await self._queue.count(most=MAX_COUNTED)
