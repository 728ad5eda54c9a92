"""Kafka's record format (v2), read leniently: what cannot be read costs only itself (pure).

https://kafka.apache.org/documentation/#recordbatch
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from shared.model.outputs import FormatFault, Headers

MAX_HEADERS: Final = 256
"""Of one record. Each costs some 200 bytes in memory, whatever it weighs on the log."""
_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_CODEC, _APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20
_VARINT_BYTES: Final = 10


class BatchHeader(NamedTuple):
    """The fixed first 61 bytes of a batch, and what its attributes say."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int

    @property
    def codec(self) -> int:
        """Of its records."""
        return self.attributes & _CODEC

    @property
    def append_time(self) -> bool:
        """Whether the time of all its records is when the broker appended them."""
        return bool(self.attributes & _APPEND_TIME)

    @property
    def is_transactional(self) -> bool:
        """Whether it is part of a transaction."""
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """Whether it is the broker's own mark (commit, abort)."""
        return bool(self.attributes & _CONTROL)

    @property
    def last_offset(self) -> int:
        """Of its last record, also of one that compaction took away."""
        return self.base_offset + self.last_offset_delta

    @property
    def is_gapless(self) -> bool:
        """Whether compaction took nothing from it; then a record's place tells its offset, whatever the record says."""
        return self.records == self.last_offset_delta + 1

    def offset(self, position: int, said: int | None, before: int) -> int:
        """Of the record at `position`, which says `said`; brokers do not check that."""
        if self.is_gapless:
            return self.base_offset + position
        return said if said is not None and before < said <= self.last_offset else before + 1

    def uncompressed(self, records: bytes) -> bytes:
        """The batch with `records` as they stand; its checksum is not made anew."""
        plain = self._replace(attributes=self.attributes & ~_CODEC, length=_HEADER.size - 12 + len(records))
        return _HEADER.pack(*plain) + records


HEADER_BYTES: Final = _HEADER.size


def read_header(batch: bytes | memoryview) -> BatchHeader:
    """Raises struct.error when there are fewer than HEADER_BYTES."""
    return BatchHeader._make(_HEADER.unpack_from(batch))


class FormatRecord(NamedTuple):
    """One record as aiokafka's own look; `checksum`, which this format has not, says what is wrong with it."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    checksum: FormatFault | None = None


class _Malformed(Exception):
    """What it says is not what there is. `offset` where that much could be read."""

    def __init__(self, fault: FormatFault, offset: int | None = None) -> None:
        super().__init__(fault)
        self.fault = fault
        self.offset = offset


def unreadable(header: BatchHeader, raw: bytes, fault: FormatFault, offset: int) -> FormatRecord:
    """Raw bytes in the place of a record."""
    time_type = 1 if header.append_time else 0
    return FormatRecord(offset, header.max_timestamp, time_type, None, raw, (), fault)


def read_records(header: BatchHeader, records: bytes) -> Iterator[FormatRecord]:
    """Every record of an uncompressed batch, offsets rising, none behind the last; raises nothing."""
    at, before = 0, header.base_offset - 1
    for position in range(header.records):
        if before >= header.last_offset:
            return
        try:
            start, end = _frame(records, at)
        except _Malformed as error:  # nothing tells where the next one begins: the rest is one
            yield unreadable(header, records[at:], error.fault, header.last_offset)
            return
        body, at = records[start:end], end
        try:
            record = _read(header, body)
            offset = header.offset(position, record.offset, before)
            record = record if offset == record.offset else record._replace(offset=offset)
        except _Malformed as error:
            record = unreadable(header, body, error.fault, header.offset(position, error.offset, before))
        before = record.offset
        yield record


def _read(header: BatchHeader, body: bytes) -> FormatRecord:
    time_delta, at = _varint(body, 1)  # behind its attributes, of which none is in use
    offset_delta, at = _varint(body, at)
    offset = header.base_offset + offset_delta
    try:
        key, value, headers = _fields(body, at)
    except _Malformed as error:
        raise _Malformed(error.fault, offset) from error
    time = header.max_timestamp if header.append_time else header.first_timestamp + time_delta
    return FormatRecord(offset, time, 1 if header.append_time else 0, key, value, headers)


def _frame(records: bytes, at: int) -> tuple[int, int]:
    """Where the record that begins with its length at `at` starts and ends."""
    length, start = _varint(records, at)
    if not 0 < length <= len(records) - start:
        raise _Malformed(FormatFault.MALFORMED_RECORD)
    return start, start + length


def _fields(body: bytes, at: int) -> tuple[bytes | None, bytes | None, Headers]:
    key, at = _bytes(body, at)
    value, at = _bytes(body, at)
    headers, at = _headers(body, at)
    if at != len(body):
        raise _Malformed(FormatFault.MALFORMED_RECORD)
    return key, value, headers


def _headers(body: bytes, at: int) -> tuple[Headers, int]:
    count, at = _varint(body, at)
    if count < 0:
        raise _Malformed(FormatFault.MALFORMED_RECORD)
    if count > MAX_HEADERS:
        raise _Malformed(FormatFault.TOO_MANY_HEADERS)
    found: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        name, at = _bytes(body, at)
        if name is None:
            raise _Malformed(FormatFault.MALFORMED_RECORD)
        value, at = _bytes(body, at)
        found.append((name.decode(errors="surrogateescape"), value))
    return found, at


def _bytes(body: bytes, at: int) -> tuple[bytes | None, int]:
    size, at = _varint(body, at)
    if size < 0:
        return None, at
    if size > len(body) - at:
        raise _Malformed(FormatFault.MALFORMED_RECORD)
    return body[at : at + size], at + size


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """A zigzag varint, and where it ends."""
    value = 0
    for position, byte in enumerate(body[at : at + _VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:  # else more follows
            return (value >> 1) ^ -(value & 1), at + position + 1
    raise _Malformed(FormatFault.MALFORMED_RECORD)
