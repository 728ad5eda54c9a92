"""Counting on the log: how much is there, and afterwards what exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as Place

Identify = Callable[[Any], Any]
"""From a message to what must be there once."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What some topics hold; times are the producers' (CreateTime), in seconds."""

    total: int
    distinct: int
    first: float
    last: float

    @property
    def seconds(self) -> float:
        return max(self.last - self.first, 0.001)

    def lost(self, expected: int) -> int:
        return max(0, expected - self.distinct)

    @property
    def doubled(self) -> int:
        return self.total - self.distinct


class Ends:
    """Asks how much topics hold by their end offsets alone, which costs the broker next to nothing."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)

    async def __aenter__(self) -> Ends:
        await self._consumer.start()
        return self

    async def __aexit__(self, _: type[BaseException] | None, __: Any, ___: TracebackType | None) -> None:
        await self._consumer.stop()

    async def count(self, topics: Sequence[str]) -> int:
        """Records ever written to topics that never lost any."""
        places = []
        for topic in topics:
            await self._consumer._client._wait_on_metadata(topic)
            places += [TopicPartition(topic, part) for part in self._consumer.partitions_for_topic(topic) or ()]
        return sum((await self._consumer.end_offsets(places)).values())


def read(bootstrap: str, topics: Sequence[str], identify: Identify) -> Tally:
    """Reads topics from their beginning to their present end; blocks."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "bench-tally", "enable.auto.commit": False}
    consumer = Consumer(settings)
    places, expected = [], 0
    for topic in topics:
        for part in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(Place(topic, part), timeout=10)
            expected += high - low
            places.append(Place(topic, part, low))
    consumer.assign(places)
    seen: set[Any] = set()
    total, first, last = 0, float("inf"), 0.0
    while total < expected:
        messages = consumer.consume(5000, timeout=10)
        if not messages:
            raise RuntimeError(f"{expected - total} of {expected} records of {', '.join(topics)} could not be read")
        for message in messages:
            if message.error():
                raise RuntimeError(str(message.error()))
            seen.add(identify(message))
            at = message.timestamp()[1]
            first, last = min(first, at), max(last, at)
        total += len(messages)
    consumer.close()
    return Tally(total=total, distinct=len(seen), first=first / 1000 if total else 0.0, last=last / 1000)


def header(name: str) -> Identify:
    """Identifies a message by a header."""

    def identify(message: Any) -> Any:
        return next((value for key, value in message.headers() or () if key == name), None)

    return identify


def field(name: str) -> Identify:
    """Identifies a message by a member of its JSON value."""
    only = msgspec.defstruct("Only", [(name, msgspec.Raw)])
    decoder = msgspec.json.Decoder(only)

    def identify(message: Any) -> Any:
        return bytes(getattr(decoder.decode(message.value()), name))

    return identify
