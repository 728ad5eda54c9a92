"""The in_app channel: nothing is sent, the inbox row is the delivery."""

from __future__ import annotations

import asyncio

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.in_app.times import Times
from services.delivery.channels.in_app.writer import InboxWriter
from services.delivery.channels.rows import BulkReader
from services.delivery.rendering.links import SafeLinks
from shared.kafka.producer import Publisher
from shared.model.channels import Lane
from shared.mongo.cancellations import Cancellations
from shared.mongo.inbox_times import InboxTimes
from shared.mongo.inbox_writing import InboxRows
from shared.process.retries import retry_until_available


class InboxChannel:
    """Bulks of rows, one at a time."""

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    def reader(self, lane: Lane, publisher: Publisher) -> BulkReader:
        """The writer of the only lane."""
        del lane
        context, settings = self._context, self._context.settings
        writer = InboxWriter(
            rows=InboxRows(context.database),
            publisher=publisher,
            catalog=context.catalog,
            topics=settings.topics,
            links=SafeLinks(settings.link_schemes),
            tenants=context.tenants,
            cancellations=Cancellations(context.database),
        )
        return BulkReader(writer.write, context.newer, linger_seconds=settings.linger_ms / 1000)

    async def watch(self, stop: asyncio.Event) -> None:
        """Tells what time does to inboxes."""
        settings = self._context.settings
        publisher = Publisher(settings.kafka_connection, client_id="carillon-delivery-in-app-times")
        await retry_until_available(publisher.start)
        try:
            await Times(store=InboxTimes(self._context.database), publisher=publisher, topics=settings.topics).run(stop)
        finally:
            await publisher.stop()

    async def close(self) -> None:
        """Nothing is open but what the context holds."""


def open_channel(context: ChannelContext) -> InboxChannel:
    """Opens nothing of its own."""
    return InboxChannel(context)
