"""The Kafka topics of Carillon: the only file that spells their names.

Partition counts are fixed at creation: growing one would split a user over two writers.
`Topics(prefix=...)` lets two stacks share a broker; services get theirs from their settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.model.channels import Channel, Lane
from shared.model.timestamps import DAY_MS

PARTITIONS: Final = 12
PUBLIC_MAX_BYTES: Final = 1_048_576 + 65_536
"""What producers may write: 1 MiB of payload and its headers."""
INTERNAL_MAX_BYTES: Final = 8 * 1_048_576
"""Internal records wrap a public one, so a chunk that was accepted can always be written out."""


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One row of the table: how a topic is created and who stands at its ends."""

    name: str
    key: str
    producers: str
    consumers: str
    partitions: int = PARTITIONS
    retention_ms: int = 7 * DAY_MS
    compacted: bool = False
    max_message_bytes: int = INTERNAL_MAX_BYTES


@dataclass(frozen=True)
class Topics:
    """Topic and consumer-group names under one prefix."""

    prefix: str = "carillon"

    @property
    def events(self) -> str:
        """Public in: CloudEvents, binary or structured mode."""
        return f"{self.prefix}.events.v1"

    @property
    def accepted_events(self) -> str:
        """What ingest accepted for other tenants than the one that the public topic speaks for; nobody else writes here."""
        return f"{self.prefix}.events.accepted.v1"

    @property
    def events_dlq(self) -> str:
        """Records nobody could read, as they came, with error headers."""
        return f"{self.prefix}.events.dlq.v1"

    @property
    def notifications(self) -> str:
        """Inbound records: everything that concerns one user, key `tenant:user`."""
        return f"{self.prefix}.notifications.v1"

    @property
    def inbox(self) -> str:
        """Changes of inboxes, on their way to the sockets."""
        return f"{self.prefix}.inbox.v1"

    @property
    def statuses(self) -> str:
        """Public out: what happened, as CloudEvents."""
        return f"{self.prefix}.statuses.v1"

    @property
    def catalog(self) -> str:
        """Published workflow versions (compacted), key `tenant:workflow`."""
        return f"{self.prefix}.catalog.v1"

    @lru_cache(maxsize=1024)  # noqa: B019  # a few prefixes a process; asked for each delivery
    def deliveries(self, channel: Channel, lane: Lane = Lane.NORMAL) -> str:
        """Deliveries of one channel; the express lane carries high and urgent ones."""
        express = ".express" if lane is Lane.EXPRESS else ""
        return f"{self.prefix}.deliveries.{channel}{express}.v1"

    def deliveries_dlq(self, channel: Channel) -> str:
        """Deliveries that nobody will retry on their own."""
        return f"{self.prefix}.deliveries.{channel}.dlq.v1"

    def delivery_group(self, channel: Channel, lane: Lane) -> str:
        """The consumer group of one lane."""
        return self.group(f"delivery-{channel}-{lane}")

    def group(self, service: str) -> str:
        """The consumer-group name of a service."""
        return f"{self.prefix}.{service}"

    def table(self) -> tuple[Topic, ...]:
        """Every topic, in the order of the flow."""
        user_key = "tenant:user"
        rows = [
            Topic(
                name=self.events,
                key="any",
                producers="ingest, anyone",
                consumers="router",
                max_message_bytes=PUBLIC_MAX_BYTES,
            ),
            Topic(
                name=self.accepted_events,
                key="any",
                producers="ingest",
                consumers="router",
                max_message_bytes=PUBLIC_MAX_BYTES,
            ),
            Topic(
                name=self.events_dlq,
                key="as came",
                producers="router",
                consumers="operators",
                partitions=1,
                retention_ms=14 * DAY_MS,
            ),
            Topic(
                name=self.notifications,
                key=user_key,
                producers="ingest, router, scheduler, delivery, gateway",
                consumers="router",
            ),
        ]
        for channel in Channel:
            rows += [
                Topic(name=self.deliveries(channel, lane), key=user_key, producers="router", consumers="delivery")
                for lane in channel.spec.lanes
            ]
            rows.append(
                Topic(
                    name=self.deliveries_dlq(channel),
                    key="as came",
                    producers="delivery",
                    consumers="operators",
                    partitions=1,
                    retention_ms=14 * DAY_MS,
                )
            )
        rows += [
            Topic(
                name=self.inbox,
                key=user_key,
                producers="delivery, gateway",
                consumers="gateway",
                retention_ms=DAY_MS,
            ),
            Topic(
                name=self.statuses,
                key=user_key,
                producers="router, delivery, gateway",
                consumers="console, anyone",
                retention_ms=14 * DAY_MS,
            ),
            Topic(
                name=self.catalog,
                key="tenant:workflow",
                producers="carillon catalog publish",
                consumers="ingest, router, delivery",
                partitions=1,
                compacted=True,
            ),
        ]
        return tuple(rows)
