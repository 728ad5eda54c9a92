"""The router in this process, and what writes to its public topic as no client of ours would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import faust
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.produce import ProduceRequest

from services.router.app import running
from services.router.settings import RouterSettings
from shared.catalog import publishing
from shared.catalog.cache import Catalog
from shared.kafka.consumer import fetch, open_consumer, start_consumer
from shared.kafka.producer import Publisher
from shared.model.outputs import KafkaRecord
from shared.model.records import decode_record
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.mongo.database import open_database
from tests.support import samples as a
from tests.support.env import Names
from tests.support.raw_batches import Raw
from tests.support.rerun import check_decisions
from tests.support.wait import until

TYPE = "order.shipped"
WORKFLOW = a.workflow(key="order.shipped", version=0, on=(TYPE,), recipients="data.to")


def event(user: str, *headers: tuple[bytes, bytes | None], **attributes: str) -> Raw:
    """A CloudEvent in binary mode that notifies `user` and nobody else."""
    known = {"specversion": "1.0", "id": user, "source": "/fuzz", "type": TYPE} | attributes
    own = [(f"ce_{name}".encode(), text.encode()) for name, text in known.items()]
    return Raw(orjson.dumps({"to": [user]}), headers=[*own, *headers])


@dataclass
class Reader:
    """Follows a topic from its beginning."""

    consumer: AIOKafkaConsumer
    records: list[KafkaRecord] = field(default_factory=list)

    async def more(self) -> list[KafkaRecord]:
        """All records up to now."""
        self.records += await fetch(self.consumer, max_records=10_000, wait_ms=50)
        return self.records


@dataclass
class Stage:
    """A running router, a client that writes raw batches, readers of what comes out."""

    names: Names
    client: AIOKafkaClient
    app: faust.App
    events: Reader
    notifications: Reader
    dead_letters: Reader

    @property
    def topics(self) -> Topics:
        return self.names.topics

    async def write(self, *batches: bytes, partition: int = 0) -> None:
        """Writes batches as they are. Raises what the broker answers."""
        topic = self.topics.events
        await self.client._wait_on_metadata(topic)
        node = self.client.cluster.leader_for_partition(TopicPartition(topic, partition))
        for batch in batches:
            request = ProduceRequest(None, -1, 10_000, [(topic, [(partition, batch)])])
            while (error := for_code((await self.client.send(node, request)).topics[0][1][0][1])) is not NoError:
                if not error.invalid_metadata:
                    raise error
                await self.client.force_metadata_update()

    async def notified(self) -> list[str]:
        """The users of all notifications so far."""
        about = [decode_record(record.value).about for record in await self.notifications.more()]
        return [found.user for found in about if found]

    async def until_notified(self, *users: str) -> list[str]:
        """All who were notified once these were."""

        async def all_of_them() -> list[str]:
            found = await self.notified()
            return found if set(users) <= set(found) else []

        return await until(all_of_them, what=f"notifications of {users}")

    async def until_dead(self, count: int) -> dict[tuple[int, int], tuple[str, bytes | None]]:
        """The dead letters by partition and offset, code and value, once there are that many."""

        async def all_of_them() -> bool:
            return len(dead_at(await self.dead_letters.more())) >= count

        await until(all_of_them, what=f"{count} dead letters")
        return dead_at(self.dead_letters.records)

    async def committed(self, topic: str) -> dict[int, int]:
        """By partition what the router has committed."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.names.brokers.kafka)
        await admin.start()
        try:
            found = await admin.list_consumer_group_offsets(self.topics.group("router"))
        finally:
            await admin.close()
        return {place.partition: known.offset for place, known in found.items() if place.topic == topic}

    async def until_all_committed(self) -> None:
        """Until the router has committed behind the last record of each partition; a mark may stand behind it."""
        topic, consumer = self.topics.events, self.events.consumer

        async def all_read() -> dict[int, int]:
            records = await self.events.more()
            if (known := consumer.partitions_for_topic(topic)) is None:
                return {}  # the topic is being made again, and this client looked in between
            places = [TopicPartition(topic, number) for number in sorted(known)]
            ends = await consumer.end_offsets(places)
            here = [await consumer.position(place) == ends[place] for place in places]
            return {record.partition: record.offset + 1 for record in records} if all(here) else {}

        behind = await until(all_read, what="the end of the public topic")

        async def reached() -> bool:
            committed = await self.committed(topic)
            return all(committed.get(partition) == offset for partition, offset in behind.items())

        await until(reached, what=f"commits up to {behind}")


@asynccontextmanager
async def stage(names: Names, *workflows: Workflow, **settings_of_router: object) -> AsyncIterator[Stage]:
    """A router that reads the topics of `names`; `settings_of_router` win over what it is started with."""
    kafka = names.brokers.kafka
    settings = RouterSettings(
        kafka=kafka,
        mongo=names.brokers.mongo,
        mongo_database=names.database,
        partitions=names.topics.partitions,
        topic_prefix=names.prefix,
        session_timeout_seconds=6,
    ).model_copy(update=settings_of_router)
    async with open_database(names.brokers.mongo, names.database) as database:
        publisher = Publisher(kafka, client_id="tests")
        await publishing.publish(database, publisher, names.topics, "default", workflows or (WORKFLOW,))
        await publisher.stop()
        catalog = Catalog(database)
        await catalog.load()
        client = AIOKafkaClient(bootstrap_servers=kafka)
        await client.bootstrap()
        async with _readers(kafka, names.topics.events, names.topics.notifications, names.topics.events_dlq) as readers:
            try:
                async with running(settings, database, catalog) as app:
                    yield Stage(names, client, app, *readers)
            finally:
                await client.close()
    await check_decisions(names)


@asynccontextmanager
async def _readers(kafka: str, *topics: str) -> AsyncIterator[list[Reader]]:
    readers = [Reader(open_consumer(kafka, topic, group=None, client_id="tests")) for topic in topics]
    try:
        for reader in readers:
            await start_consumer(reader.consumer)
        yield readers
    finally:
        for reader in readers:
            await reader.consumer.stop()


def dead_at(records: Iterable[KafkaRecord]) -> dict[tuple[int, int], tuple[str, bytes | None]]:
    """Dead letters by partition and offset: code and value."""
    found = {}
    for record in records:
        headers = {name: raw for name, raw in record.headers if raw is not None}
        place = (int(headers["source_partition"]), int(headers["source_offset"]))
        found[place] = (headers["error_code"].decode(), record.value)
    return found
