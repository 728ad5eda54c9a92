"""The pull channel: what is due waits for a sender of the producer's own, who takes it by the API of ingest."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.pull.settling import Settling
from services.delivery.channels.pull.writer import PullWriter
from services.delivery.channels.rows import BulkReader
from services.delivery.channels.sending import freshness_of
from services.delivery.send import AfterCrash
from shared.kafka.dead_letters import bury
from shared.kafka.producer import Publisher
from shared.model.channels import Lane
from shared.mongo.holds import Holds
from shared.mongo.pull_queue import PullRows
from shared.process.retries import retry_until_available


class PullChannel:
    """Rows of what waits, and a look at what senders report."""

    def __init__(self, context: ChannelContext) -> None:
        self._context = context
        self._freshness = freshness_of(context)

    def reader(self, lane: Lane, publisher: Publisher) -> BulkReader:
        """The writer of one lane."""
        context = self._context
        writer = PullWriter(
            lane=lane,
            queue=PullRows(context.database),
            publisher=publisher,
            catalog=context.catalog,
            topics=context.settings.topics,
            tenants=context.tenants,
            stale_after_ms=self._freshness.stale_after_ms,
        )
        return BulkReader(writer.write, context.newer, linger_seconds=context.settings.linger_ms / 1000)

    async def watch(self, stop: asyncio.Event) -> None:
        """Settles what was reported, what is late, and what nobody takes."""
        context, settings = self._context, self._context.settings
        publisher = Publisher(
            settings.kafka_connection, client_id="carillon-delivery-pull-settling", instead=bury(settings.topics)
        )
        await retry_until_available(publisher.start)
        try:
            await Settling(
                queue=PullRows(context.database, look=timedelta(seconds=settings.lease_seconds)),
                freshness=self._freshness,
                publisher=publisher,
                holds=Holds(context.database),
                catalog=context.catalog,
                topics=settings.topics,
                retries=[round(seconds * 1000) for seconds in settings.retry_seconds],
                after_crash=AfterCrash.STOP if context.channel in settings.stop_after_crash else AfterCrash.SEND_AGAIN,
            ).run(stop)
        finally:
            await publisher.stop()

    async def close(self) -> None:
        """Nothing is open but what the context holds."""


def open_channel(context: ChannelContext) -> PullChannel:
    """Opens nothing before it reads."""
    return PullChannel(context)
