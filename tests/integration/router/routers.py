"""Routers as processes over a load of numbered events, and what they made of it."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
import orjson
from confluent_kafka import Producer

from shared.catalog.publishing import publish
from shared.kafka.consumer import open_consumer, start_consumer
from shared.kafka.producer import Publisher
from shared.model.channels import Channel
from shared.model.steps import ChannelStep
from tests.integration.router.stage import Reader
from tests.support import samples as a
from tests.support.env import Harness
from tests.support.wait import until

TYPE = "com.example.numbered"
WORKFLOW = a.workflow(
    key="numbered",
    version=0,
    on=(TYPE,),
    recipients="data.to",
    category="numbers",
    steps=(ChannelStep(key="notify", channels=(Channel.IN_APP,)),),
)


class Numbered(msgspec.Struct):
    """The data of an event."""

    number: int


class About(msgspec.Struct):
    user: str
    data: Numbered


class Made(msgspec.Struct):
    """What of a delivery is looked at."""

    id: str
    notification: About


@dataclass
class Routers:
    """What is read is the in_app lane: one delivery for each event."""

    harness: Harness
    lane: Reader
    sent: Counter[str] = field(default_factory=Counter)
    """Events by user; their numbers go up by one."""

    def __post_init__(self) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": self.harness.names.brokers.kafka,
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": 1_000_000,
            }
        )

    async def send(self, *users: str) -> None:
        """One event for each of `users`, in this order; returns when all stand on the public topic."""
        for user in users:
            event = f"{user}-{self.sent[user]}"
            headers = {"ce_specversion": "1.0", "ce_id": event, "ce_source": "/numbers", "ce_type": TYPE}
            value = orjson.dumps({"to": [user], "number": self.sent[user]})
            self._producer.produce(self.harness.names.topics.events, value, user, headers=list(headers.items()))
            self.sent[user] += 1
        assert await asyncio.to_thread(self._producer.flush, 60) == 0

    async def know(self, *users: str) -> None:
        """They have a profile each, which allows everything."""
        rows = [{"_id": f"default:{user}", "tenant": "default", "user": user, "version": 1} for user in users]
        async with self.harness.database() as database:
            await database.profiles.insert_many(rows)

    async def start(self, *labels: str, **settings: str) -> None:
        """Routers of these names, ready."""
        for label in labels:
            self.harness.spawn("router", label, **settings)
        await self.harness.start_spawned(*labels)

    def stop(self, label: str) -> int | None:
        """SIGTERM; the exit code once it has ended."""
        return self.harness.services[label].terminate(60)

    def kill(self, label: str) -> None:
        """SIGKILL."""
        self.harness.services[label].kill()

    async def delivered(self) -> int:
        """How many different deliveries there are by now."""
        await self.lane.more()
        return len({made.id for made in self._made()})

    async def until_delivered(self, count: int, **how: float) -> None:
        """Until so many are there."""

        async def enough() -> bool:
            return await self.delivered() >= count

        await until(enough, what=f"{count} deliveries", timeout=how.get("timeout", 60))

    def numbers(self) -> dict[str, list[int]]:
        """By user the numbers of what was delivered, in the order of the log, each where it stands first."""
        found: dict[str, dict[int, None]] = defaultdict(dict)
        for made in self._made():
            found[made.notification.user].setdefault(made.notification.data.number)
        return {user: list(numbers) for user, numbers in found.items()}

    def doubled(self) -> dict[str, list[bytes]]:
        """By id what stands on the log more than once."""
        found: dict[str, list[bytes]] = defaultdict(list)
        for made, record in zip(self._made(), self.lane.records, strict=True):
            found[made.id].append(record.value or b"")
        return {id_: values for id_, values in found.items() if len(values) > 1}

    def _made(self) -> Iterable[Made]:
        for record in self.lane.records[len(self._decoded) :]:
            self._decoded.append(msgspec.json.decode(record.value or b"", type=Made))
        return self._decoded

    _decoded: list[Made] = field(default_factory=list)

    async def readyz(self, label: str) -> dict[str, Any]:
        """What /readyz of a router says; nothing while it does not answer."""
        return orjson.loads(await self.page(label, "readyz") or b"{}")

    async def metric(self, label: str, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = (await self.page(label, "metrics")).decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.partition(" ")[0].partition("{")[0] == name)

    async def page(self, label: str, path: str) -> bytes:
        """What a router answers at its health port; nothing while it does not."""
        port = self.harness.services[label].health_port
        try:
            async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/{path}") as response:
                return await response.read()
        except aiohttp.ClientError:
            return b""


@asynccontextmanager
async def routers(harness: Harness) -> AsyncIterator[Routers]:
    """The workflow is published; no router runs yet."""
    names = harness.names
    publisher = Publisher(names.brokers.kafka, client_id="tests")
    async with harness.database() as database:
        await publish(database, publisher, names.topics, "default", [WORKFLOW])
    await publisher.stop()
    lane = Reader(
        open_consumer(names.brokers.kafka, names.topics.deliveries(Channel.IN_APP), group=None, client_id="tests")
    )
    await start_consumer(lane.consumer)
    try:
        yield Routers(harness, lane)
    finally:
        await lane.consumer.stop()
