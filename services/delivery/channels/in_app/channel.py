"""The in_app channel: nothing is sent, the inbox row is the delivery."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.in_app.writer import InboxWriter
from services.delivery.rendering.links import SafeLinks
from shared.kafka.producer import Publisher
from shared.model.channels import Lane
from shared.mongo.inbox_rows import InboxRows


class InboxReader:
    """Reads the lane into inboxes; rows are their own ledger, so a rebalance needs no care."""

    def __init__(self, writer: InboxWriter) -> None:
        self._writer = writer

    async def run(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Writes until `stop` is set; the bulk under way is finished first."""
        await self._writer.run(consumer, stop)

    def listener(self, consumer: AIOKafkaConsumer) -> None:
        """None: a row that is met again is a replay."""


class InboxChannel:
    """Bulks of rows, one at a time."""

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    def reader(self, lane: Lane, publisher: Publisher) -> InboxReader:
        """The writer of the only lane."""
        del lane
        settings = self._context.settings
        return InboxReader(
            InboxWriter(
                rows=InboxRows(self._context.database),
                publisher=publisher,
                catalog=self._context.catalog,
                topics=settings.topics,
                linger_seconds=settings.linger_ms / 1000,
                links=SafeLinks(settings.link_schemes),
            )
        )

    async def watch(self, stop: asyncio.Event) -> None:
        """Nothing beside its lane."""

    async def close(self) -> None:
        """Nothing is open but what the context holds."""


def open_channel(context: ChannelContext) -> InboxChannel:
    """Opens nothing of its own."""
    return InboxChannel(context)
