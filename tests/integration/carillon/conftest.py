"""A platform of the test's own to answer, and a topic with a Kafka client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from carillon import KafkaClient
from tests.integration.carillon.platform import Platform
from tests.integration.carillon.scripted_gateway import ScriptedGateway, scripted
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


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    made = Platform()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def gateway() -> AsyncIterator[ScriptedGateway]:
    async with scripted() as made:
        yield made
