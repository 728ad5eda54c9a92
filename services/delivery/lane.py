"""One lane: the consumer of one topic, its offsets, and the tasks under way.

An offset is committed only when everything before it is durable. When partitions move or the process is
told to stop, what is not claimed yet is let go, what is claimed is finished first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from services.delivery.core.effects import ReceivedDelivery
from services.delivery.core.in_flight import InFlight, Place
from services.delivery.receive import UnreadableRecord, read
from services.delivery.worker import Worker
from shared.model.channels import Channel
from shared.model.outputs import Coordinates
from shared.model.topics import Topics

log = structlog.get_logger()
COMMIT_SECONDS = 0.5
AHEAD = 4
"""Records read but not claimed, per slot."""


class LaneQueue:
    """Reads one topic and hands its records to the worker, each key's in order."""

    def __init__(self, *, channel: Channel, topics: Topics, worker: Worker, slots: int) -> None:
        self._channel = channel
        self._topics = topics
        self._worker = worker
        self._most = slots * AHEAD
        self._in_flight: InFlight[ReceivedDelivery | UnreadableRecord] = InFlight()
        self._tasks: dict[Coordinates, asyncio.Task[None]] = {}
        self._under_way: set[Coordinates] = set()
        self._room = asyncio.Event()
        self._failed: asyncio.Future[None] | None = None

    async def run(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Delivers until `stop` is set, then finishes what is claimed. Raises what a delivery raised."""
        self._failed = asyncio.get_running_loop().create_future()
        committing = asyncio.create_task(self._commit_often(consumer))
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._room.set())
        try:
            while not stop.is_set() and not self._failed.done():
                if (room := self._most - len(self._in_flight)) <= 0:
                    self._room.clear()
                    await self._room.wait()
                    continue
                batch = await consumer.getmany(timeout_ms=250, max_records=room)
                for records in batch.values():
                    for record in records:
                        self._take(record)
        finally:
            committing.cancel()
            stopping.cancel()
            await self._drain(lambda _: True)
            await self._commit(consumer)
        if self._failed.done():
            self._failed.result()

    def listener(self, consumer: AIOKafkaConsumer) -> _Rebalance:
        """What the consumer calls when partitions move."""
        return _Rebalance(self, consumer)

    async def leave(self, consumer: AIOKafkaConsumer, places: set[Place]) -> None:
        """The partitions go: finish what is claimed there, commit, forget the rest."""
        await self._drain(lambda at: (at.topic, at.partition) in places)
        await self._commit(consumer)
        self._in_flight.forget(places)
        self._room.set()  # what was forgotten made room, and no task is left to say so

    def _take(self, record: Any) -> None:
        at = Coordinates(record.topic, record.partition, record.offset)
        job = read(self._topics, self._channel, record, at)
        if self._in_flight.add(at, record.key, job):
            self._start(at, record.key, job)

    def _start(self, at: Coordinates, key: bytes | None, job: ReceivedDelivery | UnreadableRecord) -> None:
        task = asyncio.create_task(self._carry(at, job))
        self._tasks[at] = task
        task.add_done_callback(lambda ended: self._ended(ended, at, key))

    async def _carry(self, at: Coordinates, job: ReceivedDelivery | UnreadableRecord) -> None:
        if isinstance(job, UnreadableRecord):
            self._under_way.add(at)
            await self._worker.refuse(job.letter, job.code)
        else:
            await self._worker.deliver(job, self._under_way)

    def _ended(self, task: asyncio.Task[None], at: Coordinates, key: bytes | None) -> None:
        del self._tasks[at]
        self._under_way.discard(at)
        self._room.set()
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            if self._failed is not None and not self._failed.done():
                self._failed.set_exception(error)
            return
        following = self._in_flight.done(at, key)
        if following is not None:
            self._start(*following)

    async def _drain(self, leaves: Callable[[Coordinates], bool]) -> None:
        """Cancels what is not claimed among those that leave, and waits for the rest."""
        self._in_flight.stop(leaves)
        leaving = {at: task for at, task in self._tasks.items() if leaves(at)}
        for at, task in leaving.items():
            if at not in self._under_way:
                task.cancel()
        if leaving:
            await asyncio.wait(leaving.values())

    async def _commit_often(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            await self._commit(consumer)

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        assigned = consumer.assignment()
        offsets = {
            TopicPartition(topic, partition): offset
            for (topic, partition), offset in self._in_flight.committable().items()
            if TopicPartition(topic, partition) in assigned
        }
        if not offsets:
            return
        try:
            await consumer.commit(offsets)
        except KafkaError as error:
            # Whoever gets the partition reads from the last commit on and meets the ledger.
            log.warning("not_committed", error=type(error).__name__, next="the next commit says it again")


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Tells the lane before its partitions go."""

    def __init__(self, lane: LaneQueue, consumer: AIOKafkaConsumer) -> None:
        self._lane = lane
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._lane.leave(self._consumer, {(part.topic, part.partition) for part in revoked})

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Nothing: reading starts at the last commit."""
