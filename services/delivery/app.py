"""Delivery: a consumer group per channel. Wiring only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaConsumer

from services.delivery.channels.channel import ChannelContext, LaneReader, OpenChannel
from services.delivery.channels.registry import opener, section_of
from services.delivery.settings import ChannelSettings, DeliverySettings, load_delivery
from shared.catalog.cache import Catalog
from shared.kafka.consumer import open_consumer, start_consumer
from shared.kafka.dead_letters import bury
from shared.kafka.producer import Publisher
from shared.kafka.progress import ConsumerProgress
from shared.kafka.readiness import KafkaReadiness
from shared.model.channels import Channel, Lane
from shared.model.topics import Topic, Topics
from shared.mongo.database import open_database, ping
from shared.mongo.schema import await_schema
from shared.mongo.server_clock import keep_clock, set_clock
from shared.process.background import run_until_stopped
from shared.process.metrics import DELIVERY_LAG
from shared.process.newer import NewerRecords
from shared.process.retries import retry_until_available
from shared.process.runtime import Runtime, run

log = structlog.get_logger()


async def serve(runtime: Runtime, settings: DeliverySettings, of_channel: ChannelSettings) -> None:
    """Delivers the configured channels until told to stop. Raises what crashed a channel."""
    async with open_database(settings.mongo, settings.mongo_database) as database:
        runtime.checks["mongodb"] = lambda: ping(database)
        readiness = KafkaReadiness(
            settings.kafka_connection,
            topics_of(settings.delivery_channels, settings.topics),
            strict=settings.topics_strict,
        )
        runtime.checks |= {"kafka": readiness.answer, "topics": readiness.topics_answer}
        await readiness.wait()
        await await_schema(database, runtime.checks)
        catalog = Catalog(database)
        await retry_until_available(set_clock, database)
        await retry_until_available(catalog.load)
        newer = NewerRecords()
        runtime.checks["formats"] = newer.check
        contexts = [
            ChannelContext(
                channel=channel,
                settings=settings,
                own=of_channel.get(channel),
                database=database,
                catalog=catalog,
                newer=newer,
            )
            for channel in settings.delivery_channels
        ]
        following = catalog.follow(settings.kafka_connection, settings.topics, "carillon-delivery-catalog")
        await run_until_stopped(runtime.stop, _deliver_all(contexts, runtime), [following, keep_clock(database)])


def topics_of(channels: Sequence[Channel], topics: Topics) -> list[Topic]:
    """What the worker of these channels reads and writes."""
    others = {
        name
        for channel in Channel
        if channel not in channels
        for name in (topics.deliveries_dlq(channel), *(topics.deliveries(channel, lane) for lane in channel.spec.lanes))
    }
    return [topic for topic in topics.used_by("delivery") if topic.name not in others]


async def _deliver_all(contexts: Sequence[ChannelContext], runtime: Runtime) -> None:
    """Each channel on its own: a slow one holds up no other."""
    async with asyncio.TaskGroup() as group:
        for context in contexts:
            group.create_task(_deliver(context, runtime))


async def _deliver(context: ChannelContext, runtime: Runtime) -> None:
    """One channel, all its lanes."""
    opened = opener(context.channel)(context)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(opened.watch(runtime.stop))
            for lane in context.channel.spec.lanes:
                group.create_task(_read(lane, opened, context, runtime))
    finally:
        await opened.close()


async def _read(lane: Lane, opened: OpenChannel, context: ChannelContext, runtime: Runtime) -> None:
    """One lane, with a producer and a consumer of its own."""
    settings = context.settings
    async with _publishing(f"{context.channel}-{lane}", settings) as publisher:
        reader = opened.reader(lane, publisher)
        async with consuming(context.channel, lane, settings, runtime, reader) as source:
            await reader.run(source, runtime.stop)


@asynccontextmanager
async def _publishing(name: str, settings: DeliverySettings) -> AsyncIterator[Publisher]:
    publisher = Publisher(
        settings.kafka_connection, client_id=f"carillon-delivery-{name}", instead=bury(settings.topics)
    )
    await retry_until_available(publisher.start)
    try:
        yield publisher
    finally:
        await publisher.stop()


@asynccontextmanager
async def consuming(
    channel: Channel, lane: Lane, settings: DeliverySettings, runtime: Runtime, reader: LaneReader
) -> AsyncIterator[AIOKafkaConsumer]:
    """The consumer of one lane, reading; readiness waits for it."""
    name = f"{channel}-{lane}"

    async def is_joining() -> bool | str:
        return "it is joining its group"

    runtime.checks[f"reading {name}"] = is_joining
    runtime.started = True
    source = await retry_until_available(_join_lane, channel, lane, settings, reader)
    progress = ConsumerProgress(source)
    runtime.checks[f"reading {name}"] = progress.answer
    watching = asyncio.create_task(progress.watch(DELIVERY_LAG.labels(channel, lane).set))
    log.info("reading", channel=channel, lane=lane)
    try:
        yield source
    finally:
        watching.cancel()
        await source.stop()


async def _join_lane(channel: Channel, lane: Lane, settings: DeliverySettings, reader: LaneReader) -> AIOKafkaConsumer:
    """A consumer that has joined the group of one lane. Raises KafkaUnavailable."""
    name = f"{channel}-{lane}"
    consumer = open_consumer(
        settings.kafka_connection,
        group=settings.topics.delivery_group(channel, lane),
        client_id=f"carillon-delivery-{name}",
        session_timeout_ms=round(settings.session_timeout_seconds * 1000),
        heartbeat_interval_ms=round(settings.session_timeout_seconds * 200),
    )
    consumer.subscribe([settings.topics.deliveries(channel, lane)], listener=reader.listener(consumer))
    await start_consumer(consumer)
    return consumer


def main() -> None:
    """The process `carillon run delivery`."""
    settings, of_channel = load_delivery(section_of)
    run("delivery", settings, lambda runtime: serve(runtime, settings, of_channel))
