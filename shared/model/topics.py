"""The Kafka topics of Carillon: the only file that spells their names.

Partition counts are fixed at creation: growing one would split a user over two writers.
`Topics(prefix=...)` lets two stacks share a broker; services get theirs from their settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from shared.model.channels import Channel, Lane
from shared.model.timestamps import DAY_MS

PARTITIONS: Final = 12
USER_KEY: Final = "tenant:user"
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

    @property
    def ordered(self) -> bool:
        """Whether the order of a key's records is a promise: then a key must stay in its partition for good."""
        return self.key == USER_KEY

    def settings_of(self, replication: int) -> Mapping[str, str]:
        """The broker's for so many copies, by its names for them."""
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(-1 if self.compacted else self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
            # The broker unpacks what foreign producers compressed, and checks its size again: a bomb ends there.
            "compression.type": "uncompressed",
            # A producer's clock may say seconds, or last week: retention would delete the record, expiry end it.
            "message.timestamp.type": "LogAppendTime",
            "min.insync.replicas": "2" if replication >= 3 else "1",
        }

    def is_written_by(self, service: str) -> bool:
        """Whether a service, or a command, writes to it."""
        return service in self.producers.split(", ")

    def is_read_by(self, service: str) -> bool:
        """Whether a service reads it."""
        return service in self.consumers.split(", ")


@dataclass(frozen=True)
class Topics:
    """Topic and consumer-group names under one prefix, and how many partitions those have whose order matters."""

    prefix: str = "carillon"
    partitions: int = PARTITIONS

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
    def fanouts(self) -> str:
        """Pages of fan-outs that are to be read, key fan-out id."""
        return f"{self.prefix}.fanouts.v1"

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

    @property
    def dead_letters_group(self) -> str:
        """The consumer group of the console that keeps deliveries' dead letters."""
        return self.group("console-dead-letters")

    def groups_of(self, service: str) -> list[str]:
        """The consumer groups that a service is a member of; others read without one."""
        if service == "delivery":
            return [self.delivery_group(channel, lane) for channel in Channel for lane in channel.spec.lanes]
        if service == "console":
            return [self.group(service), self.dead_letters_group]
        return [self.group(service)] if service == "router" else []

    def groups_asked_by(self, service: str) -> list[str]:
        """The consumer groups whose progress a service asks for: the router's fan-outs leave room for these, ingest for it."""
        if service == "ingest":
            return [self.group("router")]
        lanes = Channel.IN_APP.spec.lanes
        return [self.delivery_group(Channel.IN_APP, lane) for lane in lanes] if service == "router" else []

    def used_by(self, service: str) -> list[Topic]:
        """What a service writes or reads."""
        return [topic for topic in self.table() if topic.is_written_by(service) or topic.is_read_by(service)]

    def table(self) -> tuple[Topic, ...]:
        """Every topic, in the order of the flow."""
        rows = [
            Topic(
                name=self.events,
                key="any",
                producers="ingest, anyone, carillon events redrive",
                consumers="router",
                max_message_bytes=PUBLIC_MAX_BYTES,
            ),
            Topic(
                name=self.accepted_events,
                key="any",
                producers="ingest, delivery, carillon events redrive",
                consumers="router",
                max_message_bytes=PUBLIC_MAX_BYTES,
            ),
            Topic(
                name=self.events_dlq,
                key="as came",
                producers="ingest, router, scheduler, delivery, console",
                consumers="operators",
                partitions=1,
                retention_ms=14 * DAY_MS,
            ),
            Topic(
                name=self.notifications,
                key=USER_KEY,
                producers="ingest, router, scheduler, delivery, gateway, console, carillon tenants, carillon stop",
                consumers="router",
            ),
        ]
        rows.append(Topic(name=self.fanouts, key="fan-out", producers="ingest, router, scheduler", consumers="router"))
        for channel in Channel:
            rows += [
                Topic(name=self.deliveries(channel, lane), key=USER_KEY, producers="router", consumers="delivery")
                for lane in channel.spec.lanes
            ]
            rows.append(
                Topic(
                    name=self.deliveries_dlq(channel),
                    key="as came",
                    producers="router, delivery",
                    consumers="console, operators",
                    partitions=1,
                    retention_ms=14 * DAY_MS,
                )
            )
        rows += [
            Topic(
                name=self.inbox,
                key=USER_KEY,
                producers="ingest, delivery, gateway",
                consumers="gateway",
                retention_ms=DAY_MS,
            ),
            Topic(
                name=self.statuses,
                key=USER_KEY,
                producers="ingest, router, scheduler, delivery, gateway, console",
                consumers="console, anyone",
                retention_ms=14 * DAY_MS,
            ),
            Topic(
                name=self.catalog,
                key="tenant:workflow",
                producers="carillon catalog push",
                consumers="ingest, router, delivery, gateway",
                partitions=1,
                compacted=True,
            ),
        ]
        return tuple(row if row.partitions == 1 else replace(row, partitions=self.partitions) for row in rows)
