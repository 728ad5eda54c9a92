"""A topic of the test's own, and a Kafka client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from carillon import KafkaClient
from tests.support.brokers import Brokers
from tests.support.topics import make_topic


@pytest.fixture
def kafka(shared_brokers: Brokers) -> str:
    return shared_brokers.kafka


@pytest.fixture
async def topic(kafka: str) -> str:
    return await make_topic(kafka)


@pytest.fixture
async def events(kafka: str, topic: str) -> AsyncIterator[KafkaClient]:
    async with KafkaClient(kafka, topic=topic) as client:
        yield client
