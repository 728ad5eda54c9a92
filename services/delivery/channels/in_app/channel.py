"""The in_app channel: nothing is sent, the inbox row is the delivery."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.in_app.writer import InboxWriter
from services.delivery.channels.rows import ForgetsNewer
from services.delivery.rendering.links import SafeLinks
from shared.kafka.producer import Publisher
from shared.model.channels import Lane
from shared.mongo.inbox_writing import InboxRows
from shared.process.newer import NewerRecords


class InboxReader:
    """Reads the lane into inboxes; rows are their own ledger, so a rebalance needs no care."""

    def __init__(self, writer: InboxWriter, newer: NewerRecords) -> None:
        self._writer = writer
        self._newer = newer

    async def run(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Writes until `stop` is set; the bulk under way is finished first."""
        await self._writer.run(consumer, stop)

    def listener(self, consumer: AIOKafkaConsumer) -> ConsumerRebalanceListener:
        """Needed only for what waits for a newer version: a row that is met again is a replay."""
        del consumer
        return ForgetsNewer(self._newer)


class InboxChannel:
    """Bulks of rows, one at a time."""

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    def reader(self, lane: Lane, publisher: Publisher) -> InboxReader:
        """The writer of the only lane."""
        del lane
        settings, newer = self._context.settings, self._context.newer
        return InboxReader(
            InboxWriter(
                rows=InboxRows(self._context.database),
                publisher=publisher,
                catalog=self._context.catalog,
                topics=settings.topics,
                linger_seconds=settings.linger_ms / 1000,
                links=SafeLinks(settings.link_schemes),
                newer=newer,
                tenants=self._context.tenants,
            ),
            newer,
        )

    async def watch(self, stop: asyncio.Event) -> None:
        """Nothing beside its lane."""

    async def close(self) -> None:
        """Nothing is open but what the context holds."""


def open_channel(context: ChannelContext) -> InboxChannel:
    """Opens nothing of its own."""
    return InboxChannel(context)
