"""Topics: nobody creates one by asking; what differs is said, and what would lose order is waited for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

import aiohttp
import faust
import pytest
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic

from services.router.app import running
from services.router.settings import RouterSettings
from shared.catalog.cache import Catalog
from shared.kafka import readiness
from shared.kafka.admin import describe_topics, ensure_topics
from shared.kafka.connection import KafkaConnection
from shared.kafka.producer import Publisher
from shared.kafka.readiness import KafkaReadiness
from shared.kafka.topic_reader import open_reader
from shared.model.errors import KafkaUnavailable
from shared.model.outputs import Output
from shared.model.topics import Topics
from shared.mongo.database import Database, open_database
from shared.mongo.migrations import migrate
from tests.support.brokers import Brokers
from tests.support.env import PARTITIONS, Harness, Names
from tests.support.strict_kafka import StrictKafka
from tests.support.wait import until

SERVICES = ("ingest", "router", "scheduler", "delivery", "gateway", "console")


@asynccontextmanager
async def admin_of(strict: StrictKafka) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=strict.node.bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def topics_there(strict: StrictKafka, prefix: str) -> set[str]:
    async with admin_of(strict) as admin:
        return {name for name in await admin.list_topics() if name.startswith(prefix)}


@pytest.fixture
async def bare(strict: StrictKafka, shared_brokers: Brokers) -> Names:
    """A migrated database; no topic. The broker would make any."""
    mark = uuid4().hex[:10]
    await migrate(shared_brokers.mongo, f"t_{mark}")
    return Names(
        brokers=Brokers(kafka=strict.node.bootstrap, mongo=shared_brokers.mongo),
        prefix=f"t-{mark}",
        database=f"t_{mark}",
    )


async def test_no_service_makes_a_topic_by_asking_and_each_starts_when_they_are_there(
    strict: StrictKafka, bare: Names, tmp_path: Path
) -> None:
    harness = Harness(bare, tmp_path)
    try:
        for name in SERVICES:
            harness.spawn(name)
        for name in SERVICES:
            reason = await until(partial(_unready, harness, name), what=f"{name} says why it waits")
            assert f"{bare.prefix}." in reason, name
            assert "topic is missing" in reason, name
        assert await topics_there(strict, bare.prefix) == set()
        await ensure_topics(bare.brokers.kafka, bare.topics.table())
        for service in harness.services.values():
            await service.ready(30)
        assert await topics_there(strict, bare.prefix) == {topic.name for topic in bare.topics.table()}
    finally:
        harness.kill()


async def _unready(harness: Harness, name: str) -> str:
    with suppress(aiohttp.ClientError):
        url = f"http://127.0.0.1:{harness.services[name].health_port}/readyz"
        async with aiohttp.ClientSession() as http, http.get(url) as response:
            topics = (await response.json()).get("topics")
            return topics if isinstance(topics, str) else ""
    return ""


async def test_no_client_makes_a_topic_by_asking(strict: StrictKafka) -> None:
    prefix = f"t-{uuid4().hex[:10]}"
    name = Topics(prefix).events
    for kafka in (KafkaConnection(servers=strict.node.bootstrap), strict.connection()):
        publisher = Publisher(kafka, client_id="tests")
        await publisher.start()
        publisher._live.client._request_timeout_ms = 500
        with pytest.raises(KafkaUnavailable):
            await publisher.publish([Output(name, None, b"v", [])])
        await publisher.stop()
        with suppress(KafkaUnavailable):
            async with open_reader(kafka, name) as reader:
                assert [batch async for batch in reader.batches()] == []
        assert (await describe_topics(kafka, [name]))[0] == {}
    assert await topics_there(strict, prefix) == set()


async def test_the_client_of_users_makes_no_topic_by_asking(strict: StrictKafka) -> None:
    """In a process of its own: in this one no client can."""
    name = Topics(f"t-{uuid4().hex[:10]}").events
    script = (
        "import asyncio, sys; from carillon.kafka_client import KafkaClient; "
        "asyncio.run(KafkaClient(sys.argv[1], topic=sys.argv[2]).__aenter__())"
    )
    ended = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, strict.node.bootstrap, name, stderr=asyncio.subprocess.PIPE
    )
    _, said = await ended.communicate()
    assert f"has no topic {name}" in said.decode()
    assert await topics_there(strict, name) == set()


async def test_faust_makes_no_topic_by_asking_and_finds_one_within_seconds(strict: StrictKafka, bare: Names) -> None:
    """Its driver asks every 300 s by default, and so that the broker makes it."""
    topics = bare.topics
    await ensure_topics(strict.node.bootstrap, [row for row in topics.table() if row.name == topics.catalog])
    settings = RouterSettings(
        kafka=strict.node.bootstrap,
        mongo=bare.brokers.mongo,
        mongo_database=bare.database,
        topic_prefix=bare.prefix,
        partitions=PARTITIONS,
    )
    async with open_database(bare.brokers.mongo, bare.database) as database, _running(settings, database) as app:
        consumer: AIOKafkaConsumer = app.consumer._thread._consumer

        async def asked() -> bool:
            return bool(consumer.subscription()) and consumer._client.cluster._last_successful_refresh_ms > 0

        await until(asked, what="that it asked for its topics")
        assert await topics_there(strict, bare.prefix) == {topics.catalog}
        await ensure_topics(strict.node.bootstrap, topics.table())

        async def assigned() -> bool:
            return len(app.consumer.assignment()) == 4 * PARTITIONS

        await until(assigned, what="the assignment", timeout=30)


@asynccontextmanager
async def _running(settings: RouterSettings, database: Database) -> AsyncIterator[faust.App]:
    catalog = Catalog(database)
    await catalog.load()
    async with running(settings, database, catalog) as app:
        yield app


async def test_what_would_lose_order_is_waited_for_and_what_is_weak_is_said(strict: StrictKafka) -> None:
    topics = Topics(f"t-{uuid4().hex[:10]}", PARTITIONS)
    rows = [row for row in topics.table() if row.name in {topics.events, topics.notifications}]
    async with admin_of(strict) as admin:
        await admin.create_topics(
            [
                NewTopic(topics.notifications, 1, 1, topic_configs={"message.timestamp.type": "CreateTime"}),
                NewTopic(topics.events, 1, 1, topic_configs={"max.message.bytes": "1000"}),
            ]
        )
        ready = KafkaReadiness(KafkaConnection(servers=strict.node.bootstrap), rows)
        waiting = asyncio.create_task(ready.wait())

        async def says_why() -> str:
            answer = await ready.topics_answer()
            return answer if isinstance(answer, str) else ""

        reason = await until(says_why, what="a reason")
        assert reason == (
            f"{topics.notifications}: partitions is 1, not 3; "
            f"{topics.notifications}: message.timestamp.type is CreateTime, not LogAppendTime"
        )
        await admin.create_partitions({topics.notifications: NewPartitions(PARTITIONS)})
        await admin.delete_topics([topics.notifications])
        await until(lambda: _made(strict, topics), what="the topic, made rightly")
        await asyncio.wait_for(waiting, 30)
        assert await ready.topics_answer() is True
        strict_one = KafkaReadiness(KafkaConnection(servers=strict.node.bootstrap), rows, strict=True)
        assert not await strict_one._is_fit()
        assert "max.message.bytes is 1000" in str(await strict_one.topics_answer())


async def test_what_becomes_of_topics_later_is_seen_too_and_an_edge_goes_on_serving(
    strict: StrictKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "AGAIN_SECONDS", 0)
    topics = Topics(f"t-{uuid4().hex[:10]}", PARTITIONS)
    [row] = [row for row in topics.table() if row.name == topics.notifications]
    await ensure_topics(strict.node.bootstrap, [row])
    kafka = KafkaConnection(servers=strict.node.bootstrap)
    inside, edge = KafkaReadiness(kafka, [row]), KafkaReadiness(kafka, [row], serves_anyway=True)
    for one in (inside, edge):
        await one.wait()
        assert await one.topics_answer() is True
    for _ in range(2):  # said again when it happens again
        async with admin_of(strict) as admin:
            await admin.create_partitions({topics.notifications: NewPartitions(PARTITIONS + 2)})
        with structlog.testing.capture_logs() as logs:
            answer = await until(lambda: _differs(inside), what="the difference is seen")
            assert await edge.topics_answer() is True
            assert await edge.topics_answer() is True
        assert answer == f"{topics.notifications}: partitions is {PARTITIONS + 2}, not {PARTITIONS}"
        assert [entry["event"] for entry in logs] == ["topic_differs"] * 2, "once by each"
        async with admin_of(strict) as admin:
            await admin.delete_topics([topics.notifications])
        await until(lambda: _made(strict, topics), what="the topic, made rightly")
        await until(lambda: _mended(inside, edge), what="it is seen that it was mended")


async def _differs(one: KafkaReadiness) -> str:
    answer = await one.topics_answer()
    return answer if isinstance(answer, str) and "missing" not in answer else ""


async def _mended(*every: KafkaReadiness) -> bool:
    return all([await one.topics_answer() is True and one.unfit is None for one in every])


async def _made(strict: StrictKafka, topics: Topics) -> bool:
    with suppress(Exception):
        [row] = [row for row in topics.table() if row.name == topics.notifications]
        return bool(await ensure_topics(strict.node.bootstrap, [row]))
    return False
