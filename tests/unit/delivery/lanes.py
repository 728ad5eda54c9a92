"""A lane at work on a log in memory; its worker ends jobs when the test says so."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from services.delivery.core.jobs import Job
from services.delivery.lane import LaneQueue
from shared.model.channels import Channel
from shared.model.deliveries import ReceivedDelivery
from shared.model.outputs import Coordinates, KafkaRecord
from shared.model.records import encode
from shared.model.topics import Topics
from shared.process.newer import NewerRecords
from tests.support import samples as a
from tests.support.twins.consumer import MemoryConsumer

TOPIC = Topics().deliveries(Channel.EMAIL)
SOON = 5


def read(offset: int, key: bytes = b"acme:ada", partition: int = 0) -> KafkaRecord:
    return a.record(encode(a.delivery()), topic=TOPIC, offset=offset, key=key, partition=partition)


def log_of(*records: KafkaRecord) -> MemoryConsumer:
    return MemoryConsumer(TOPIC, *records)


class Hands:
    """The worker's part: a job ends when the test says so; claimed ones must not be cancelled."""

    def __init__(self, *, claims: bool = True, seconds: float = 0) -> None:
        self.claims = claims
        self.jobs: dict[Coordinates, asyncio.Future[None]] = {}
        self.changed = asyncio.Event()
        self.cancelled: list[Coordinates] = []
        self.gave_way: list[int] = []
        self.seconds = seconds

    def make_room(self) -> None:
        """Whoever waits for a slot, waits here."""

    async def deliver(self, received: ReceivedDelivery, job: Job) -> None:
        at = received.record.coordinates
        if job.gives_way:
            self.gave_way.append(at.offset)
            return
        job.asked.since = time.monotonic() - self.seconds
        self.jobs[at] = asyncio.get_running_loop().create_future()
        self.changed.set()
        job.claimed = self.claims
        try:
            await self.jobs[at]
        except asyncio.CancelledError:
            self.cancelled.append(at)
            raise

    async def until(self, count: int) -> None:
        async with asyncio.timeout(SOON):
            while len(self.jobs) < count:
                self.changed.clear()
                await self.changed.wait()

    def end(self, offset: int, partition: int = 0) -> None:
        self.jobs[Coordinates(TOPIC, partition, offset)].set_result(None)


def lane(hands: Any, slots: int = 4) -> LaneQueue:
    return LaneQueue(newer=NewerRecords(), channel=Channel.EMAIL, worker=hands, slots=slots)


class Running:
    """A lane at work."""

    def __init__(self, hands: Hands, log: MemoryConsumer, slots: int = 4) -> None:
        self.stop = asyncio.Event()
        self.queue = lane(hands, slots)
        self.task = asyncio.create_task(self.queue.run(log, self.stop))

    async def ended(self) -> None:
        async with asyncio.timeout(SOON):
            await self.task
