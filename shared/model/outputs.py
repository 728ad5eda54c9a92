"""Records of the log as values: one that was read, where it stands, and one that is to be written."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

Headers = Sequence[tuple[str, bytes | None]]
"""In the order of the log. A name that is not UTF-8 has its other bytes as lone surrogates (`surrogateescape`)."""
Partition = tuple[str, int]
"""Topic and number."""


class FormatFault(StrEnum):
    """What the record format itself makes unreadable; the record's value is then the raw bytes of what stood there."""

    CORRUPT_BATCH = "corrupt_batch"
    """Its checksum is wrong, twice."""
    UNREADABLE_BATCH = "unreadable_batch"
    """Its compression cannot be undone, or not within bounds."""
    MALFORMED_RECORD = "malformed_record"
    """A record, or the rest of a batch, whose lengths do not fit."""
    TOO_MANY_HEADERS = "too_many_headers"
    """More headers than a record may have here."""


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
    """When the broker appended it, in milliseconds since the epoch; -1 where the topic keeps its producer's word."""
    fault: FormatFault | None = None
    """Set when nothing but raw bytes could be had; a batch stands at the offset of its last record."""

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
    partition: int | None = None
    """None: the one that the key leads to."""
