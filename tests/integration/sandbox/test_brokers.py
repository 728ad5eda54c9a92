"""The local Kafka and mongod: ready means usable, and what was acknowledged is there after kill -9."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pymongo import MongoClient, WriteConcern

from sandbox.free_ports import free_ports
from sandbox.kafka import Kafka
from sandbox.mongod import Mongod
from shared.kafka.admin import ensure_topics
from shared.model.topics import INTERNAL_MAX_BYTES, Topic

STATE = Path(os.environ.get("CARILLON_STATE", ".carillon"))
TOPIC = Topic(name="t", key="any", producers="this test", consumers="this test", partitions=1)


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[Kafka]:
    port, controller = free_ports(2)
    node = Kafka(tmp_path, port, controller, state=STATE)
    yield node
    node.kill()


@pytest.fixture
def mongod(tmp_path: Path) -> Iterator[Mongod]:
    node = Mongod(tmp_path, free_ports(1)[0])
    yield node
    node.kill()


async def test_kafka_keeps_what_it_acknowledged_over_a_kill(kafka: Kafka) -> None:
    kafka.spawn()
    await kafka.ready()
    await ensure_topics(kafka.bootstrap, [TOPIC])
    largest = os.urandom(INTERNAL_MAX_BYTES - 1024)
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, acks="all", max_request_size=INTERNAL_MAX_BYTES
    ) as producer:
        await producer.send_and_wait(TOPIC.name, largest)

    kafka.kill()
    kafka.spawn()
    await kafka.ready()

    async with AIOKafkaConsumer(
        TOPIC.name, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", fetch_max_bytes=9 << 20
    ) as consumer:
        assert (await consumer.getone()).value == largest


def write_one(node: Mongod) -> None:
    with MongoClient[dict[str, int]](node.uri) as client:
        durable = WriteConcern("majority", j=True)
        client.get_database("d").get_collection("c", write_concern=durable).insert_one({"_id": 1})


def count(node: Mongod) -> int:
    with MongoClient[dict[str, int]](node.uri) as client:
        return client.d.c.count_documents({})


def test_mongod_keeps_what_it_acknowledged_over_a_kill(mongod: Mongod) -> None:
    mongod.start()
    write_one(mongod)

    mongod.kill()
    mongod.start()

    assert count(mongod) == 1


def test_mongod_can_be_moved_to_another_port(mongod: Mongod, tmp_path: Path) -> None:
    mongod.start()
    write_one(mongod)
    mongod.stop()
    moved = Mongod(tmp_path, free_ports(1)[0])
    try:
        moved.start()

        assert count(moved) == 1
    finally:
        moved.kill()
