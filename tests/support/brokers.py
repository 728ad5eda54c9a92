"""Where tests get a Kafka and a MongoDB: an environment URL, the local binaries, testcontainers, in this order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.artifacts import Missing
from sandbox.child import settle
from sandbox.free_ports import free_ports
from sandbox.kafka import Kafka
from sandbox.mongod import Mongod

STATE = Path(os.environ.get("CARILLON_STATE", ".carillon"))


@dataclass(frozen=True, kw_only=True)
class Brokers:
    """What to connect to; the nodes themselves where they are ours to kill."""

    kafka: str
    mongo: str
    kafka_node: Kafka | None = None
    mongod_node: Mongod | None = None


@contextmanager
def brokers(folder: Path) -> Iterator[Brokers]:
    """Running brokers; where none can be had, the tests that ask for them fail with the reason: none is skipped."""
    kafka, mongo = os.environ.get("CARILLON_TEST_KAFKA"), os.environ.get("CARILLON_TEST_MONGO")
    if kafka and mongo:
        yield Brokers(kafka=kafka, mongo=mongo)
        return
    with ExitStack() as stack:
        try:
            found = stack.enter_context(local_brokers(folder))
        except Missing as error:
            found = stack.enter_context(container_brokers(str(error)))
        yield found


@contextmanager
def local_brokers(folder: Path) -> Iterator[Brokers]:
    """An Apache Kafka and a mongod of one's own, to be killed at will. Raises Missing."""
    kafka_port, controller_port, mongo_port = free_ports(3)
    kafka_node = Kafka(folder / "kafka", kafka_port, controller_port, state=STATE)
    mongod_node = Mongod(folder / "mongod", mongo_port)
    kafka_node.spawn()
    try:
        mongod_node.start()
        settle(kafka_node.ready())
        yield Brokers(kafka=kafka_node.bootstrap, mongo=mongod_node.uri, kafka_node=kafka_node, mongod_node=mongod_node)
    finally:
        kafka_node.kill()
        mongod_node.kill()


@contextmanager
def container_brokers(missing: str) -> Iterator[Brokers]:
    """Those of a container engine; `missing` is why the local ones could not be had."""
    # Imported where they are used: most runs have the local binaries and need no docker-py.
    from docker.errors import DockerException  # type: ignore[import-untyped]  # noqa: PLC0415
    from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415
    from testcontainers.community.mongodb import MongoDbContainer  # noqa: PLC0415
    from testcontainers.core.docker_client import DockerClient  # noqa: PLC0415

    try:
        DockerClient()
    except DockerException as error:
        pytest.fail(
            f"no brokers: {missing}; no containers: {type(error).__name__}. `make test` fetches Kafka and mongod; "
            "`make test-unit` needs neither",
            pytrace=False,
        )
    mongo = MongoDbContainer("mongo:8.0.13").with_command("--replSet rs0 --bind_ip_all")
    with KafkaContainer().with_kraft() as kafka, mongo:
        mongo.exec(["mongosh", "--eval", "rs.initiate()"])
        yield Brokers(
            kafka=kafka.get_bootstrap_server(),
            mongo=f"mongodb://127.0.0.1:{mongo.get_exposed_port(27017)}/?directConnection=true",
        )
