"""Records of the log as values: one that was read, where it stands, and one that is to be written."""

from __future__ import annotations

from typing import NamedTuple

Headers = list[tuple[str, bytes]]
Partition = tuple[str, int]
"""Topic and number."""


class Coordinates(NamedTuple):
    """Where a record stands on the log."""

    topic: str
    partition: int
    offset: int


class KafkaRecord(NamedTuple):
    """One record as it was read. Made in two places: `shared.kafka.consumer` and the router's `ChunkStream`."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int
    """Milliseconds since the epoch, as the topic says: when it was written or appended; -1: none."""

    @property
    def coordinates(self) -> Coordinates:
        """Its place on the log."""
        return Coordinates(self.topic, self.partition, self.offset)

    @property
    def size(self) -> int:
        """Its bytes: key, value and headers."""
        headers = sum(len(name) + len(value or b"") for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers


class Output(NamedTuple):
    """One record to write to the log."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
