"""How many records of some topics consumer groups have not finished yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.kafka.connection import KafkaAddress, connection_to
from shared.kafka.consumer import open_consumer
from shared.model.errors import KafkaUnavailable

REQUEST_MS: Final = 5_000


class Lag:
    """Asks when it is asked: one request for the ends, one for each group. It connects at the first."""

    def __init__(
        self, kafka: KafkaAddress, topics: Mapping[str, str], *, client_id: str, absent_groups: bool = False
    ) -> None:
        """`topics`: the group that reads each.

        One that has never committed anything is not there to be waited for; with `absent_groups` it has all of its
        topics before it.
        """
        self._kafka = kafka
        self._topics = topics
        self._client_id = client_id
        self._absent_groups = absent_groups
        self._consumer: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None

    async def count(self) -> dict[str, int]:
        """How many records each topic's group has not finished. Raises KafkaUnavailable.

        Groups commit now and then, so some of these are finished already.
        """
        try:
            return await self._count()
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise KafkaUnavailable(repr(error)) from error

    async def _count(self) -> dict[str, int]:
        consumer, admin = await self._open()
        behind = dict.fromkeys(self._topics, 0)
        committed: dict[TopicPartition, int] = {}
        there: set[str] = set()
        for group in dict.fromkeys(self._topics.values()):
            found = await admin.list_consumer_group_offsets(group)
            known = {place: one.offset for place, one in found.items() if one.offset >= 0}
            committed |= known
            if known or self._absent_groups:
                there.add(group)
        places = []
        for topic, group in self._topics.items():
            if group in there:
                await consumer._client._wait_on_metadata(topic)
                places += [TopicPartition(topic, part) for part in consumer.partitions_for_topic(topic) or ()]
        unread = [place for place in places if place not in committed]
        committed |= await consumer.beginning_offsets(unread) if unread else {}
        for place, end in (await consumer.end_offsets(places)).items() if places else ():
            behind[place.topic] += max(0, end - committed[place])
        return behind

    async def _open(self) -> tuple[AIOKafkaConsumer, AIOKafkaAdminClient]:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(
                request_timeout_ms=REQUEST_MS, **connection_to(self._kafka).client_arguments()
            )
            await self._admin.start()
        if self._consumer is None:
            self._consumer = open_consumer(self._kafka, group=None, client_id=self._client_id)
            await self._consumer.start()
        return self._consumer, self._admin

    async def close(self) -> None:
        """Disconnects; it connects again when it is asked."""
        consumer, admin = self._consumer, self._admin
        self._consumer = self._admin = None
        if consumer is not None:
            await consumer.stop()
        if admin is not None:
            await admin.close()
