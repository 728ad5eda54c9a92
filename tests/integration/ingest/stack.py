"""What the ingest tests stand on: a real Kafka and mongod of their own, real ingest processes, an HTTP client."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
import orjson
from aiokafka import TopicPartition
from yarl import URL

from sandbox.child import settle
from sandbox.free_ports import free_ports
from sandbox.kafka.node import Kafka
from sandbox.mongod import Mongod
from sandbox.process import Service
from shared.catalog import publishing
from shared.kafka.admin import ensure_topics
from shared.kafka.consumer import open_consumer
from shared.kafka.producer import Publisher
from shared.model import records, workflows
from shared.model.topics import Topics
from shared.mongo import api_keys
from shared.mongo.database import open_database
from shared.mongo.migrations import migrate
from tests.support.brokers import local_brokers

ALL_SCOPES = frozenset(api_keys.Scope)
SEND = {"workflow": "chat.new_message", "recipients": ["ada"], "data": {"text": "hi"}}
WORKFLOWS = (
    {
        "key": "chat.new_message",
        "category": "chat",
        "steps": [{"key": "notify", "channels": ["in_app"]}],
        "templates": {"in_app": {"title": "{{ data.text }}"}},
    },
    {
        "key": "orders.shipped",
        "category": "orders",
        "priority": "high",
        "on": ["order.shipped"],
        "recipients": "data.users",
        "steps": [{"key": "notify", "channels": ["in_app"]}],
        "templates": {"in_app": {"title": "Shipped"}},
    },
)


@dataclass(kw_only=True)
class Stack:
    """Brokers, a migrated database with workflows and keys, and the names in use."""

    kafka: Kafka
    mongod: Mongod
    folder: Path
    topics: Topics
    database: str
    key: str = ""
    other_key: str = ""
    send_only_key: str = ""
    urls: list[str] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)

    async def prepare(self) -> None:
        """Topics, migrations, workflows, keys."""
        await ensure_topics(self.kafka.bootstrap, self.topics.used_by("ingest"))
        await migrate(self.mongod.uri, self.database)
        publisher = Publisher(self.kafka.bootstrap, client_id="test")
        async with open_database(self.mongod.uri, self.database) as database:
            for tenant in ("default", "other"):
                found = [workflows.parse(document) for document in WORKFLOWS]
                await publishing.publish(database, publisher, self.topics, tenant, found)
            self.key = await api_keys.create(database, tenant="default", scopes=ALL_SCOPES, name="test")
            self.other_key = await api_keys.create(database, tenant="other", scopes=ALL_SCOPES, name="test")
            self.send_only_key = await api_keys.create(
                database, tenant="default", scopes=frozenset({api_keys.Scope.SEND}), name="test"
            )
        await publisher.stop()

    @contextmanager
    def ingest(self, count: int = 1, **settings: str) -> Iterator[list[str]]:
        """`count` ingest processes; yields their URLs."""
        services, urls = [], []
        for number in range(count):
            port, health_port = free_ports(2)
            env = {
                "CARILLON_KAFKA": self.kafka.bootstrap,
                "CARILLON_MONGO": self.mongod.uri,
                "CARILLON_MONGO_DATABASE": self.database,
                "CARILLON_TOPIC_PREFIX": self.topics.prefix,
                "CARILLON_INGEST_PORT": str(port),
                "CARILLON_WEBHOOK_SECRET": "test-master-secret-of-webhooks",
                **settings,
            }
            log = self.folder / f"ingest-{uuid4().hex[:6]}-{number}.log"
            services.append(Service("ingest", env=env, health_port=health_port, log=log))
            urls.append(f"http://127.0.0.1:{port}")
        try:
            for service in services:
                service.spawn()
            with ThreadPoolExecutor() as threads:  # the caller may be inside a loop
                list(threads.map(lambda service: settle(service.ready(180)), services))
            self.services = services
            yield urls
        finally:
            for service in services:
                service.terminate()

    async def read(self, topic: str) -> list[Any]:
        """Every record of a topic, up to what is there now."""
        reader = open_consumer(self.kafka.bootstrap, group=None, client_id="test")
        await reader.start()
        try:
            partitions = [TopicPartition(topic, number) for number in await _partitions(reader, topic)]
            reader.assign(partitions)
            ends = await reader.end_offsets(partitions)
            await reader.seek_to_beginning(*partitions)
            found: list[Any] = []
            while any([await reader.position(place) < ends[place] for place in partitions]):
                for batch in (await reader.getmany(timeout_ms=200)).values():
                    found += batch
            return found
        finally:
            await reader.stop()


async def _partitions(reader: Any, topic: str) -> list[int]:
    await reader._client._wait_on_metadata(topic)
    return sorted(reader.partitions_for_topic(topic) or ())


def client(url: str, key: str) -> aiohttp.ClientSession:
    """A session with a key."""
    return aiohttp.ClientSession(
        url,
        headers={"Authorization": f"Bearer {key}"},
        json_serialize=lambda value: msgspec.json.encode(value).decode(),
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=60),
    )


@contextmanager
def prepared(folder: Path) -> Iterator[Stack]:
    """A stack that is up and prepared; its brokers may be killed and started again."""
    with local_brokers(folder) as found:
        assert found.kafka_node
        assert found.mongod_node
        name = uuid4().hex[:8]
        stack = Stack(
            kafka=found.kafka_node,
            mongod=found.mongod_node,
            folder=folder,
            topics=Topics(f"t{name}"),
            database=f"carillon_{name}",
        )
        settle(stack.prepare())
        yield stack


@contextmanager
def two_processes(folder: Path) -> Iterator[Stack]:
    """Brokers and two ingest processes."""
    with prepared(folder) as found, found.ingest(2, CARILLON_PREPARE_TIMEOUT_SECONDS="10") as urls:
        found.urls = urls
        yield found


async def call(session: aiohttp.ClientSession, method: str, path: str | URL, **options: Any) -> tuple[int, Any, Any]:
    """Status, decoded body, headers."""
    async with session.request(method, path, **options) as answer:
        raw = await answer.read()
        return answer.status, orjson.loads(raw) if raw else None, answer.headers


async def records_of(stack: Stack, event_id: str) -> list[Any]:
    """The door's records of one event, with their keys."""
    found = [
        (message.key, records.decode_record(message.value)) for message in await stack.read(stack.topics.notifications)
    ]
    return [(key, record) for key, record in found if record.notification and record.notification.event_id == event_id]
