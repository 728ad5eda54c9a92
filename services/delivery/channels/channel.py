"""What the `channel.py` of a channel's folder offers: `open_channel`, and `SETTINGS` if it has some of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener

from services.delivery.settings import DeliverySettings
from services.delivery.tenants import TenantTexts
from shared.catalog.cache import Catalog
from shared.kafka.producer import Publisher
from shared.model.channels import Channel, Lane
from shared.mongo.database import Database
from shared.mongo.tenants import read_many
from shared.process.newer import NewerRecords
from shared.process.settings import SettingsSection

S = TypeVar("S", bound=SettingsSection)


@dataclass(frozen=True, kw_only=True)
class ChannelContext:
    """What a channel is opened with; whoever opens it closes these after it."""

    channel: Channel
    settings: DeliverySettings
    own: SettingsSection | None = None
    """Of the folder's `SETTINGS`."""
    database: Database
    catalog: Catalog
    newer: NewerRecords = field(default_factory=NewerRecords)
    """Gets what is left to a newer version."""

    @cached_property
    def tenants(self) -> TenantTexts:
        """What templates see of tenants."""
        return TenantTexts(partial(read_many, self.database))

    def section(self, kind: type[S]) -> S:
        """The channel's own settings. Raises TypeError when the folder names other ones."""
        if not isinstance(self.own, kind):
            raise TypeError(f"{self.channel} has no {kind.__name__}: name it as SETTINGS beside open_channel")
        return self.own


class LaneReader(Protocol):
    """Delivers what one lane brings."""

    async def run(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Delivers until `stop` is set and finishes what is in flight; raises what it cannot go on with."""
        ...

    def listener(self, consumer: AIOKafkaConsumer) -> ConsumerRebalanceListener | None:
        """What the consumer calls when partitions move; None: nothing has to be done then."""
        ...


class OpenChannel(Protocol):
    """One channel, ready to deliver."""

    def reader(self, lane: Lane, publisher: Publisher) -> LaneReader:
        """The reader of one of its lanes; a slow lane holds up no other. The publisher is the lane's own."""
        ...

    async def watch(self, stop: asyncio.Event) -> None:
        """What it has to do beside its lanes, until `stop` is set; nothing: it returns at once."""
        ...

    async def close(self) -> None:
        """Ends its connections, after its readers have ended."""
        ...
