"""What a fetch brought, read so that nothing on the log can stop a partition.

aiokafka's parser raises at a header name that is not UTF-8, at a codec it lacks, at rot, and its consumer then
stands at that offset for ever. `Batches` takes the place of its `MemoryRecords`: aiokafka still reads what it can,
as fast as before; what it refuses is read again leniently (`record_format`), and what even that cannot read comes
as raw bytes with a fault. `docs/decisions/0008-unreadable-batches.md`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import structlog
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch

from shared.kafka.codecs import Codec, Undecodable, decompress
from shared.kafka.record_format import (
    HEADER_BYTES,
    MAX_HEADERS,
    BatchHeader,
    FormatRecord,
    read_header,
    read_records,
    unreadable,
)
from shared.model.outputs import FormatFault
from shared.process.metrics import UNREADABLE_RECORDS

_OVERHEAD: Final = 12
"""Base offset and length, which the length does not count."""
_MAGIC_AT: Final = 16
_CURRENT_MAGIC: Final = 2
_LEGACY_BYTES: Final = 14
"""The shortest message of the older formats, counted as a length is."""
_MOST_SUSPECTS: Final = 1000

log = structlog.get_logger()


def read_leniently() -> None:
    """From now on every aiokafka consumer of this process reads through `Batches`."""
    fetcher.MemoryRecords = Batches


class Batches:
    """The batches of one partition in one fetch, in the shape of aiokafka's MemoryRecords."""

    _suspects: Final[set[tuple[int, int]]] = set()
    """Base offset and checksum of batches that were corrupt once: the network may have done it."""

    def __init__(self, data: bytes | None) -> None:
        self._data = data or b""
        self._at = 0
        self._held_back = False
        self._next: Batch | LegacyRecordBatch | None = None
        self._advance()

    def size_in_bytes(self) -> int:
        """Of all that was fetched; 0 when it is to be fetched again."""
        return 0 if self._held_back else len(self._data)

    def has_next(self) -> bool:
        """Whether there is another whole batch."""
        return self._next is not None

    def next_batch(self) -> Batch | LegacyRecordBatch | None:
        """The next batch; None behind the last."""
        batch = self._next
        if batch is not None:
            self._advance()
        return batch

    def _advance(self) -> None:
        self._next = None
        start, whole = self._at, len(self._data)
        if whole - start <= _MAGIC_AT:
            return
        (length,) = struct.unpack_from(">i", self._data, start + 8)
        end, magic = start + _OVERHEAD + length, self._data[start + _MAGIC_AT]
        if end > whole or length < (HEADER_BYTES - _OVERHEAD if magic >= _CURRENT_MAGIC else _LEGACY_BYTES):
            if start:
                return  # the broker cuts the last one where the fetch is full
            end = whole  # but never the first: its length is rotten
        raw = self._data[start:end]
        legacy = _legacy(raw, magic) if magic < _CURRENT_MAGIC else None
        self._next = legacy or self._intact(Batch(raw))
        self._at = end

    def _intact(self, batch: Batch) -> Batch | None:
        """The batch; None when it is corrupt for the first time: then the fetch ends before it, and begins there."""
        if not batch.is_corrupt:
            return batch
        suspect = (batch.base_offset, batch.header.crc)
        if suspect in self._suspects:
            return batch
        if len(self._suspects) >= _MOST_SUSPECTS:
            self._suspects.clear()
        self._suspects.add(suspect)
        self._held_back = True
        log.warning("corrupt_batch", offset=batch.base_offset, next="it is fetched once more")
        return None


class Batch:
    """One batch, in the shape of aiokafka's DefaultRecordBatch; iterating raises nothing."""

    def __init__(self, raw: bytes) -> None:
        padded = raw.ljust(HEADER_BYTES, b"\0")  # what is cut is corrupt, too
        self.header: BatchHeader = read_header(padded)
        self._raw = raw
        self._known = DefaultRecordBatch(padded)
        self.is_corrupt = not self._known.validate_crc()
        trusted = not self.is_corrupt
        if not trusted:
            steps = min(max(self.header.last_offset_delta, 0), len(raw))
            self.header = self.header._replace(last_offset_delta=steps)
        self.base_offset = self.header.base_offset
        self.next_offset = self.header.last_offset + 1
        self.is_control_batch = trusted and self.header.is_control
        self.is_transactional = trusted and self.header.is_transactional
        self.producer_id = self.header.producer_id if trusted else None

    def validate_crc(self) -> bool:
        """True: a corrupt batch is one unreadable record."""
        return True

    def __next__(self) -> object:
        """The mark of a control batch."""
        return next(self._known)

    def __iter__(self) -> Iterator[object]:
        if self.is_corrupt:
            return iter([self._fault(FormatFault.CORRUPT_BATCH)])
        batch, records = self._known, self._raw[HEADER_BYTES:]
        if self.header.codec != Codec.NONE:
            try:
                records = decompress(self.header.codec, records)
            except Undecodable:
                return iter([self._fault(FormatFault.UNREADABLE_BATCH)])
            batch = DefaultRecordBatch(self.header.uncompressed(records))
        try:
            return iter(self._strict(batch))
        except Exception:  # noqa: BLE001  # whatever a parser raises at foreign bytes, the lenient one reads on
            return self._lenient(records)

    def _strict(self, batch: DefaultRecordBatch) -> list[object]:
        """aiokafka's records. Raises what its parser raises, and ValueError where it lets too much pass."""
        found: list[object] = []
        offset, last = self.base_offset - 1, self.header.last_offset
        gapless = self.header.is_gapless
        for record in batch:
            before, offset = offset, record.offset
            if not before < offset <= last or (gapless and offset != before + 1) or len(record.headers) > MAX_HEADERS:
                raise ValueError("an offset out of order, or too many headers")
            found.append(record)
        return found

    def _lenient(self, records: bytes) -> Iterator[FormatRecord]:
        return map(_count, read_records(self.header, records))

    def _fault(self, fault: FormatFault) -> FormatRecord:
        """All of it as one record, at its last offset: it is met wherever in the batch reading began."""
        return _count(unreadable(self.header, self._raw, fault, self.header.last_offset))


def _legacy(raw: bytes, magic: int) -> LegacyRecordBatch | None:
    """Messages of an older format; None when it only looks so: of the current one no checksum covers the magic byte."""
    try:
        batch = LegacyRecordBatch(raw, magic)
        return batch if batch.validate_crc() else None
    except Exception:  # noqa: BLE001  # whatever a parser raises at foreign bytes
        return None


def _count(record: FormatRecord) -> FormatRecord:
    if record.checksum is not None:
        UNREADABLE_RECORDS.labels(record.checksum).inc()
    return record
