"""One lane: the consumer of one topic, its offsets, and the tasks in flight.

An offset is committed only when everything before it is durable. When partitions are revoked or the process
is told to stop, what is not claimed yet is dropped, what is claimed is finished first.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from services.delivery.core.in_flight import InFlight
from services.delivery.core.jobs import Job
from services.delivery.core.receive import read
from services.delivery.worker import Worker
from shared.kafka.consumer import commit_assigned, fetch
from shared.model.channels import Channel
from shared.model.dead_letters import UnreadableRecord
from shared.model.formats import NewerFormat
from shared.model.outputs import Coordinates, KafkaRecord, Partition
from shared.process.newer import NewerRecords

COMMIT_SECONDS = 0.5
AHEAD = 4
"""Records read but not claimed, per slot."""


class LaneQueue:
    """Reads one topic and hands its records to the worker, each key's in order."""

    def __init__(self, *, channel: Channel, worker: Worker, slots: int, newer: NewerRecords) -> None:
        self._channel = channel
        self._worker = worker
        self._most = slots * AHEAD
        self._newer = newer
        self._waiting: Counter[Partition] = Counter()
        """Partitions of which nothing more is fetched: records of a newer version wait there for one."""
        self._consumer: AIOKafkaConsumer | None = None
        self._in_flight: InFlight[Job] = InFlight()
        self._tasks: dict[Coordinates, tuple[Job, asyncio.Task[None]]] = {}
        self._room = asyncio.Event()
        self._failed: asyncio.Future[None] | None = None

    async def run(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Delivers until `stop` is set, then finishes what is claimed. Raises what a delivery raised."""
        self._failed = asyncio.get_running_loop().create_future()
        self._consumer = consumer
        committing = asyncio.create_task(self._commit_often(consumer))
        committing.add_done_callback(self._committing_ended)
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._room.set())
        try:
            while not stop.is_set() and not self._failed.done():
                if (room := self._most - self._in_flight.outside(self._waiting)) <= 0:
                    self._room.clear()
                    await self._room.wait()
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
        self._room.set()  # what was forgotten made room, and no task is left to say so

    def _take(self, record: KafkaRecord) -> None:
        job = Job(read(self._channel, record))
        if self._in_flight.add(record.coordinates, record.key, job):
            self._start(record.coordinates, record.key, job)

    def _start(self, at: Coordinates, key: bytes | None, job: Job) -> None:
        task = asyncio.create_task(self._carry(at, job))
        self._tasks[at] = job, task
        task.add_done_callback(lambda ended: self._ended(ended, at, key))

    async def _carry(self, at: Coordinates, job: Job) -> None:
        newer = await self._deliver(job)
        if newer is not None:
            await self._wait(at, job, newer)

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
            job.claimed = False
            return newer
        return None

    async def _wait(self, at: Coordinates, job: Job, newer: NewerFormat | None) -> None:
        """Looks again now and then; meanwhile no more of its partition is fetched."""
        partition = (at.topic, at.partition)
        self._waiting[partition] += 1
        self._pause(partition)
        self._room.set()  # what waits for a newer version takes none from the others
        try:
            while newer is not None:
                await asyncio.sleep(self._newer.note(at, newer))
                newer = await self._deliver(job)
            self._newer.settle(at)
        finally:
            self._waiting[partition] -= 1
            self._waiting += Counter()
            self._pause(partition)

    def _pause(self, partition: Partition) -> None:
        """Fetches the partition, if it is still ours, unless something in it waits."""
        place = TopicPartition(*partition)
        if self._consumer is not None and place in self._consumer.assignment():
            (self._consumer.pause if partition in self._waiting else self._consumer.resume)(place)

    def _ended(self, task: asyncio.Task[None], at: Coordinates, key: bytes | None) -> None:
        self._tasks.pop(at, None)  # gone where a topic that was made again had another one there
        self._room.set()
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
        """Cancels what is not claimed among those that leave, and waits for the rest."""
        self._in_flight.stop(leaves)
        leaving = [entry for at, entry in self._tasks.items() if leaves(at)]
        for job, task in leaving:
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


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Tells the lane before its partitions go."""

    def __init__(self, lane: LaneQueue, consumer: AIOKafkaConsumer) -> None:
        self._lane = lane
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._lane.revoke(self._consumer, {(part.topic, part.partition) for part in revoked})

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Nothing: reading starts at the last commit."""
