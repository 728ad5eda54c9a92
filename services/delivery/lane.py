"""One lane: the consumer of one topic, its offsets, and the tasks in flight.

An offset is committed only when everything before it is durable. When partitions are revoked or the process
is told to stop, what is not claimed yet is dropped, what is claimed is finished first.

No key and no host can hold the lane. Of one key no more than its share counts among what is read ahead; what is behind a
slow one, and more than its share, gives way and comes back, and so does everybody's when there is no memory for more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from services.delivery.core.in_flight import InFlight, Queued
from services.delivery.core.jobs import Job
from services.delivery.core.receive import read
from services.delivery.core.shares import QUICK_SECONDS, SLOW_SECONDS
from services.delivery.newer_jobs import NewerJobs
from services.delivery.worker import Worker, give_up_claim
from shared.kafka.consumer import commit_assigned, fetch
from shared.model.channels import Channel
from shared.model.dead_letters import UnreadableRecord
from shared.model.formats import NewerFormat
from shared.model.outputs import Coordinates, KafkaRecord, Partition
from shared.process.newer import NewerRecords

COMMIT_SECONDS = 0.5
AHEAD = 4
"""Records read but not claimed, per slot."""
SHARE = 8
"""A slow key or host may have that part of what is read and not sent."""
BEHIND = 8
"""Times what counts as read ahead: so much may be in flight when keys have more than their share."""
LOOK_SECONDS = 1.0
"""How often a full lane looks for who has to give way."""
MAX_BYTES = 64 * 1_048_576
"""Of records in flight, headers counted; above it no more are fetched. What the client buffers has its own bound.

What waits for a newer version may take as much again."""


class LaneQueue:
    """Reads one topic and hands its records to the worker, each key's in order."""

    def __init__(
        self, *, channel: Channel, worker: Worker, slots: int, newer: NewerRecords, most_bytes: int = MAX_BYTES
    ) -> None:
        self._channel = channel
        self._worker = worker
        self._newer = NewerJobs(newer)
        self._most = slots * AHEAD
        self._most_bytes = most_bytes
        self._share = max(1, self._most // SHARE)
        self._slow_keys: set[tuple[Partition, bytes]] = set()
        self._in_flight: InFlight[Job] = InFlight(share=self._share)
        self._tasks: dict[Coordinates, tuple[Job, asyncio.Task[None]]] = {}
        self._room = asyncio.Event()
        self._look_at = 0.0
        self._failed: asyncio.Future[None] | None = None

    async def run(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Delivers until `stop` is set, then finishes what is claimed. Raises what a delivery raised."""
        self._failed = asyncio.get_running_loop().create_future()
        self._newer.consumer = consumer
        committing = asyncio.create_task(self._commit_often(consumer))
        committing.add_done_callback(self._committing_ended)
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._room.set())
        try:
            while not stop.is_set() and not self._failed.done():
                room = self._room_left()
                if room <= 0:
                    await self._wait_for_room()
                    continue
                for record in await fetch(consumer, max_records=room):
                    self._take(record)
        finally:
            committing.cancel()
            stopping.cancel()
            await self._drain(lambda _: True)
            error = self._failed.exception() if self._failed.done() else None
            await self._commit(consumer)
        if error is not None:
            raise error

    def listener(self, consumer: AIOKafkaConsumer) -> _Rebalance:
        """What the consumer calls when partitions move."""
        return _Rebalance(self, consumer)

    async def revoke(self, consumer: AIOKafkaConsumer, partitions: set[Partition]) -> None:
        """The partitions go: finish what is claimed there, commit, forget the rest."""
        await self._drain(lambda at: (at.topic, at.partition) in partitions)
        await self._commit(consumer)
        self._in_flight.forget(partitions)
        self._newer.forget(partitions)
        self._slow_keys = {chain for chain in self._slow_keys if chain[0] not in partitions}
        self._room.set()  # what was forgotten made room, and no task is left to say so

    def _room_left(self) -> int:
        waiting, _ = self._waiting()
        return 0 if self._is_full() else self._most - max(0, self._in_flight.held - waiting)

    def _is_full(self) -> bool:
        """There is no memory for more, whatever counts."""
        waiting, waiting_bytes = self._waiting()
        held = self._in_flight.bytes
        return (
            len(self._in_flight) - waiting >= BEHIND * self._most
            or held - waiting_bytes >= self._most_bytes
            or held >= 2 * self._most_bytes
        )

    def _waiting(self) -> tuple[int, int]:
        """What waits for a newer version, and its bytes: they take no room, as nothing more of its partition is fetched."""
        return self._in_flight.within(self._newer.partitions) if self._newer.partitions else (0, 0)

    async def _wait_for_room(self) -> None:
        """Until something ended; every second those that are over their share give way, if a slow one holds them up."""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_SECONDS
            self._worker.make_room()
            must_give_way = (lambda _: True) if self._is_full() else self._is_slow
            self._give_way(self._in_flight.shorten(self._share, must_give_way))
        self._room.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._room.wait()

    def _take(self, record: KafkaRecord) -> None:
        job = Job(read(self._channel, record))
        if self._in_flight.add(record.coordinates, record.key, job, record.size):
            self._start(record.coordinates, record.key, job)
        elif record.key is not None:
            chain = (record.topic, record.partition), record.key
            self._give_way(self._in_flight.shorten(self._share, self._is_slow, chain))

    def _is_slow(self, head: Queued[Job]) -> bool:
        """Whether the key's send under way takes long, or the ones before it did."""
        return _chain(head.at, head.key) in self._slow_keys or head.job.asked.lasts(time.monotonic()) > SLOW_SECONDS

    def _give_way(self, over_share: list[Queued[Job]]) -> None:
        for at, key, job in over_share:
            if key is not None:
                self._slow_keys.add(_chain(at, key))
            job.gives_way = True
            self._start(at, key, job)

    def _start(self, at: Coordinates, key: bytes | None, job: Job) -> None:
        task = asyncio.create_task(self._carry(at, job))
        self._tasks[at] = job, task
        task.add_done_callback(lambda ended: self._ended(ended, at, key, job))

    async def _carry(self, at: Coordinates, job: Job) -> None:
        if (newer := await self._deliver(job)) is not None:
            self._room.set()  # what waits for a newer version takes none from the others
            await self._newer.wait(at, newer, lambda: self._deliver(job))

    async def _deliver(self, job: Job) -> NewerFormat | None:
        """Carries a job to its end; or says what leaves it to a newer version: then nothing is claimed."""
        if isinstance(job.received, NewerFormat):
            return job.received
        if isinstance(job.received, UnreadableRecord):
            job.claimed = True
            await self._worker.refuse(job.received)
            return None
        try:
            await self._worker.deliver(job.received, job)
        except NewerFormat as newer:
            give_up_claim(job)
            return newer
        return None

    def _ended(self, task: asyncio.Task[None], at: Coordinates, key: bytes | None, job: Job) -> None:
        self._tasks.pop(at, None)  # gone where a topic that was made again had another one there
        self._room.set()
        if job.ended and job.asked.seconds < QUICK_SECONDS and key is not None:
            self._slow_keys.discard(_chain(at, key))
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._fail(error)
            return
        next_one = self._in_flight.done(at, key)
        if next_one is not None:
            self._start(*next_one)

    async def _drain(self, leaves: Callable[[Coordinates], bool]) -> None:
        """Cancels what is not claimed among those that leave, or turns out not to be; waits for the rest."""
        self._in_flight.stop(leaves)
        leaving = [entry for at, entry in self._tasks.items() if leaves(at)]
        for job, task in leaving:
            job.leaves = True
            if not job.claimed:
                task.cancel()
        if leaving:
            await asyncio.wait([task for _, task in leaving])

    def _committing_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """The lane ends with the first error of a delivery or of committing."""
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)
        self._room.set()

    async def _commit_often(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            await self._commit(consumer)

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        await commit_assigned(consumer, self._in_flight.committable())


def _chain(at: Coordinates, key: bytes | None) -> tuple[Partition, bytes]:
    return (at.topic, at.partition), key or b""


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Tells the lane before its partitions go."""

    def __init__(self, lane: LaneQueue, consumer: AIOKafkaConsumer) -> None:
        self._lane = lane
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._lane.revoke(self._consumer, {(part.topic, part.partition) for part in revoked})

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Nothing: reading starts at the last commit."""
