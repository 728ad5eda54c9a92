"""Delivery: a consumer group per channel. Wiring only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from aiokafka import AIOKafkaConsumer

from services.delivery.channels.email.smtp import EmailSender
from services.delivery.channels.in_app.writer import InboxWriter
from services.delivery.channels.sender import Sender
from services.delivery.channels.webhook.http import WebhookSender
from services.delivery.freshness import Freshness
from services.delivery.lane import LaneQueue
from services.delivery.send import AfterCrash, Schedule, Sending
from services.delivery.settings import DeliverySettings
from services.delivery.worker import Worker
from shared.catalog.cache import Catalog
from shared.kafka.consumer import open_consumer, start_consumer
from shared.kafka.producer import Publisher
from shared.model.channels import Channel, Lane
from shared.mongo.cancellations import Cancellations
from shared.mongo.database import Database, open_database, ping
from shared.mongo.holds import Holds
from shared.mongo.inbox_rows import InboxRows
from shared.mongo.ledger import Ledger
from shared.mongo.profiles import versions
from shared.process.retries import retry_until_available
from shared.process.runtime import Runtime, run
from shared.process.settings import load

SENDERS: dict[Channel, Callable[[DeliverySettings], Sender]] = {
    Channel.EMAIL: EmailSender,
    Channel.WEBHOOK: WebhookSender,
}
"""The ways out. in_app is not among them: its inbox row is the delivery (`inbox_writer.py`)."""


async def serve(runtime: Runtime, settings: DeliverySettings) -> None:
    """Delivers the configured channels until told to stop. Raises what crashed a channel."""
    async with open_database(settings.mongo, settings.mongo_database) as database:
        runtime.checks["mongodb"] = lambda: ping(database)
        catalog = Catalog(database)
        await retry_until_available()(catalog.load)
        following = asyncio.create_task(catalog.follow(settings.kafka, settings.topics, "carillon-delivery-catalog"))
        try:
            async with asyncio.TaskGroup() as group:
                for channel in settings.delivery_channels:
                    group.create_task(_deliver(channel, settings, database, catalog, runtime))
        finally:
            following.cancel()


async def _deliver(
    channel: Channel, settings: DeliverySettings, database: Database, catalog: Catalog, runtime: Runtime
) -> None:
    """One channel, all its lanes: a slow one holds up no other."""
    if channel is Channel.IN_APP:
        await _write_inboxes(settings, database, catalog, runtime)
        return
    sender = SENDERS[channel](settings)
    sending = Sending(
        sender=sender,
        catalog=catalog,
        freshness=Freshness(
            versions=partial(versions, database),
            cancellations=Cancellations(database),
            stale_after_ms=round(settings.stale_after_seconds * 1000),
        ),
        schedule=Schedule(
            retries=[round(seconds * 1000) for seconds in settings.retry_seconds],
            probe=round(settings.probe_seconds * 1000),
        ),
        after_crash=AfterCrash.STOP if channel in settings.stop_after_crash else AfterCrash.SEND_AGAIN,
    )
    ledger = Ledger(database, lease=timedelta(seconds=settings.lease_seconds))
    try:
        async with asyncio.TaskGroup() as group:
            for lane in channel.spec.lanes:
                group.create_task(
                    _run_lane(
                        channel,
                        lane,
                        settings=settings,
                        database=database,
                        ledger=ledger,
                        sending=sending,
                        runtime=runtime,
                    )
                )
    finally:
        await sender.close()


async def _run_lane(
    channel: Channel,
    lane: Lane,
    *,
    settings: DeliverySettings,
    database: Database,
    ledger: Ledger,
    sending: Sending,
    runtime: Runtime,
) -> None:
    async with _publishing(f"{channel}-{lane}", settings) as publisher:
        worker = Worker(
            channel=channel,
            ledger=ledger,
            sending=sending,
            publisher=publisher,
            holds=Holds(database),
            topics=settings.topics,
            slots=settings.delivery_slots,
            lease=timedelta(seconds=settings.lease_seconds),
        )
        queue = LaneQueue(channel=channel, worker=worker, slots=settings.delivery_slots)
        async with _consuming(channel, lane, settings, runtime, queue) as reading:
            await queue.run(reading, runtime.stop)


async def _write_inboxes(settings: DeliverySettings, database: Database, catalog: Catalog, runtime: Runtime) -> None:
    async with _publishing("in_app", settings) as publisher:
        writer = InboxWriter(
            rows=InboxRows(database),
            publisher=publisher,
            catalog=catalog,
            topics=settings.topics,
            linger_seconds=settings.linger_ms / 1000,
        )
        async with _consuming(Channel.IN_APP, Lane.NORMAL, settings, runtime) as reading:
            await writer.run(reading, runtime.stop)


@asynccontextmanager
async def _publishing(name: str, settings: DeliverySettings) -> AsyncIterator[Publisher]:
    publisher = Publisher(settings.kafka, client_id=f"carillon-delivery-{name}")
    await retry_until_available()(publisher.start)
    try:
        yield publisher
    finally:
        await publisher.stop()


@asynccontextmanager
async def _consuming(
    channel: Channel, lane: Lane, settings: DeliverySettings, runtime: Runtime, queue: LaneQueue | None = None
) -> AsyncIterator[AIOKafkaConsumer]:
    """The consumer of one lane, reading; readiness waits for it."""
    name = f"{channel}-{lane}"
    reading = asyncio.Event()

    async def is_reading() -> bool:
        return reading.is_set()

    runtime.checks[f"reading {name}"] = is_reading
    runtime.started = True
    source = open_consumer(
        settings.kafka,
        group=settings.topics.group(f"delivery-{name}"),
        client_id=f"carillon-delivery-{name}",
        session_timeout_ms=round(settings.session_timeout_seconds * 1000),
        heartbeat_interval_ms=round(settings.session_timeout_seconds * 200),
    )
    source.subscribe([settings.topics.deliveries(channel, lane)], listener=queue.listener(source) if queue else None)
    await retry_until_available()(start_consumer, source)
    reading.set()
    try:
        yield source
    finally:
        await source.stop()


def main() -> None:
    """The process `carillon run delivery`."""
    settings = load(DeliverySettings)
    run("delivery", settings, lambda runtime: serve(runtime, settings))
