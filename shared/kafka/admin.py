"""Creating topics, and what the broker says of those that are there. Nothing else of Carillon ever creates one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from shared.kafka.connection import KafkaAddress, connection_to
from shared.kafka.rejections import rejection
from shared.model.errors import KafkaUnavailable
from shared.model.topic_differences import FoundTopic
from shared.model.topics import Topic

REQUEST_MS: Final = 10_000


async def ensure_topics(kafka: KafkaAddress, topics: Sequence[Topic], *, replication: int = 1) -> list[str]:
    """Creates what is missing and returns its names; existing topics are left as they are. Raises KafkaError."""
    async with _admin(kafka) as admin:
        known = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.name not in known]
        if not missing:
            return []
        response = await admin.create_topics([_new(topic, replication) for topic in missing])
        for name, code, message in response.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(f"{name}: {message}")
        return [topic.name for topic in missing]


async def describe_topics(kafka: KafkaAddress, names: Sequence[str]) -> tuple[dict[str, FoundTopic], int]:
    """What is there of these topics, by name, and how many brokers there are. Raises KafkaUnavailable.

    A topic that we may not see is not there. Its settings are none where we may not ask for them (DescribeConfigs).
    """
    try:
        async with _admin(kafka) as admin:
            rows = {row["topic"]: row for row in await admin.describe_topics(list(names))}
            there = [name for name in names if name in rows and not rows[name]["error_code"]]
            for name in names:
                if name in rows and rows[name]["error_code"] and not _is_missing(rows[name]["error_code"]):
                    raise for_code(rows[name]["error_code"])(name)
            settings = await _settings(admin, there)
            brokers = len(admin._client.cluster.brokers())
    except (KafkaError, TimeoutError) as error:
        raise KafkaUnavailable(f"{error!r}: {await rejection(connection_to(kafka))}") from error
    found = {
        name: FoundTopic(
            partitions=len(rows[name]["partitions"]),
            replication=min((len(each["replicas"]) for each in rows[name]["partitions"]), default=0),
            settings=settings.get(name),
        )
        for name in there
    }
    return found, brokers


@asynccontextmanager
async def _admin(kafka: KafkaAddress) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(request_timeout_ms=REQUEST_MS, **connection_to(kafka).client_arguments())
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _settings(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, Mapping[str, str]]:
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    try:
        answers = await admin.describe_configs(asked)
    except IncompatibleBrokerVersion:
        return {}
    rows = [resource for answer in answers for resource in answer.resources]
    return {name: {entry[0]: entry[1] for entry in entries} for code, _, _, name, entries in rows if not code}


def _is_missing(code: int) -> bool:
    return for_code(code) is UnknownTopicOrPartitionError


def _new(topic: Topic, replication: int) -> NewTopic:
    return NewTopic(
        topic.name,
        num_partitions=topic.partitions,
        replication_factor=replication,
        topic_configs=dict(topic.settings_of(replication)),
    )
