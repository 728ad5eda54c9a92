"""Reading what a fetch brought: nothing raises, neighbours are carried on, what cannot be read comes raw."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder

from shared.kafka import codecs
from shared.kafka.batches import Batches, read_leniently
from shared.kafka.codecs import Codec, Undecodable, decompress
from shared.kafka.record_format import MAX_HEADERS
from shared.model.outputs import FormatFault
from tests.support.raw_batches import NOON_MS, Raw, batch, bomb, varint

GOOD = Raw(b"good", b"k", [(b"a", b"1")])
BAD_NAME = Raw(b"named", b"k", [(b"x-\xff\xfe", b"\xff"), (b"null", None)])
MALFORMED = Raw(body=b"\x00\x00" + varint(1) + varint(500) + b"too short")
APPEND_TIME = 0x08


def read(data: bytes, *, offset: int = 0) -> tuple[list[Any], int]:
    """The records that aiokafka gives out, and where it fetches next."""
    source: Any = PartitionRecords(
        TopicPartition("t", 0), Batches(data), None, offset, None, None, True, READ_COMMITTED
    )
    return list(source), source.next_fetch_offset


def test_aiokafka_reads_through_ours_once_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", None)
    read_leniently()
    assert fetcher.MemoryRecords is Batches


def test_plain_batches_are_read_as_aiokafka_reads_them() -> None:
    records, after = read(batch(GOOD, GOOD) + batch(GOOD, base_offset=2))
    assert [(each.offset, each.key, each.value, each.headers, each.checksum) for each in records] == [
        (offset, b"k", b"good", (("a", b"1"),), None) for offset in range(3)
    ]
    assert after == 3


def test_a_batch_that_the_broker_cut_is_left_to_the_next_fetch() -> None:
    whole = batch(GOOD)
    for cut in range(1, len(whole)):
        assert read(whole + batch(GOOD, base_offset=1)[:cut])[1] == 1
    assert not Batches(None).has_next()


@pytest.mark.parametrize("length", [0, 20, 48, 1_000_000, -1])
def test_a_length_that_rotted_makes_the_rest_one_raw_record(length: int) -> None:
    """aiokafka would take it for a record larger than its fetch, and raise at it for ever."""
    raw = bytearray(batch(GOOD, GOOD, base_offset=7))
    struct.pack_into(">i", raw, 8, length)
    assert [each.value for each in read(bytes(raw), offset=7)[0]] == [b"good"] * 2, (
        "alone, its checksum says it is whole"
    )
    raw += batch(GOOD, base_offset=9)
    Batches._suspects.clear()
    assert not Batches(bytes(raw)).size_in_bytes(), "fetched once more"
    records, after = read(bytes(raw), offset=7)
    assert [(each.offset, each.value, each.checksum) for each in records] == [
        (8, bytes(raw), FormatFault.CORRUPT_BATCH)
    ]
    assert after == 9


@pytest.mark.parametrize("size", [17, 40, 60])
def test_even_its_header_may_be_cut(size: int) -> None:
    raw = batch(GOOD, base_offset=3)[:size]
    Batches(raw)
    records, after = read(raw, offset=3)
    assert [(each.value, each.checksum) for each in records] == [(raw, FormatFault.CORRUPT_BATCH)]
    assert after == 4


@pytest.mark.parametrize("magic", [0, 1, 77])
def test_a_magic_byte_that_rotted_costs_nothing(magic: int) -> None:
    raw = bytearray(batch(GOOD, GOOD))
    raw[16] = magic
    records, after = read(bytes(raw))
    assert [each.value for each in records] == [b"good", b"good"]
    assert after == 2


def test_a_message_of_an_older_format_is_read_and_one_that_rotted_comes_raw() -> None:
    builder = LegacyRecordBatchBuilder(magic=1, compression_type=0, batch_size=1_000)
    builder.append(0, timestamp=NOON_MS, key=b"k", value=b"good")
    raw = bytearray(builder.build())
    assert [each.value for each in read(bytes(raw))[0]] == [b"good"]
    raw[-1] ^= 1
    Batches._suspects.clear()
    assert not Batches(bytes(raw)).size_in_bytes(), "fetched once more"
    records, after = read(bytes(raw))
    assert [(each.value, each.checksum) for each in records] == [(bytes(raw), FormatFault.CORRUPT_BATCH)]
    assert after >= 1


def test_a_header_name_that_is_not_utf8_costs_nothing() -> None:
    records, after = read(batch(GOOD, BAD_NAME, GOOD))
    assert [each.value for each in records] == [b"good", b"named", b"good"]
    assert records[1].headers == (("x-\udcff\udcfe", b"\xff"), ("null", None))
    assert records[1].headers[0][0].encode(errors="surrogateescape") == b"x-\xff\xfe"
    assert {each.timestamp for each in records} == {NOON_MS}
    assert after == 3


@pytest.mark.parametrize("codec", Codec)
def test_every_codec_is_read_with_neighbours_of_a_bad_name(codec: Codec) -> None:
    records, _ = read(batch(GOOD, BAD_NAME, codec=codec))
    assert [each.value for each in records] == [b"good", b"named"]
    assert [each.value for each in read(batch(GOOD, GOOD, codec=codec))[0]] == [b"good"] * 2


def test_a_malformed_record_comes_raw_and_its_neighbours_as_they_are() -> None:
    records, after = read(batch(GOOD, MALFORMED, GOOD))
    assert [(each.offset, each.value, each.checksum) for each in records] == [
        (0, b"good", None),
        (1, MALFORMED.body, FormatFault.MALFORMED_RECORD),
        (2, b"good", None),
    ]
    assert after == 3


@pytest.mark.parametrize("said", [0, -3, 1_000_000])
def test_a_record_that_lies_about_its_offset_stands_where_it_stands(said: int) -> None:
    """Brokers do not check it; a large one would make everything behind it look read."""
    body = b"\x00\x00" + varint(said) + varint(-1) + varint(3) + b"lie" + varint(0)
    records, after = read(batch(GOOD, Raw(body=body), GOOD))
    assert [(each.offset, each.value) for each in records] == [(0, b"good"), (1, b"lie"), (2, b"good")]
    assert after == 3


def test_a_length_beyond_the_batch_makes_the_rest_one_record_at_the_last_offset() -> None:
    payload = batch(GOOD)[61:] + varint(100_000) + b"rest"
    raw = batch(GOOD, GOOD, GOOD, payload=payload)
    records, after = read(raw)
    assert [(each.offset, each.checksum) for each in records] == [(0, None), (2, FormatFault.MALFORMED_RECORD)]
    assert records[1].value == varint(100_000) + b"rest"
    assert after == 3
    assert [each.offset for each in read(raw, offset=1)[0]] == [2], "and is met when reading begins behind the first"


def test_too_many_headers_are_a_fault_of_their_record() -> None:
    many = Raw(b"many", headers=[(b"h", b"")] * (MAX_HEADERS + 1))
    most = Raw(b"most", headers=[(b"h", b"")] * MAX_HEADERS)
    records, _ = read(batch(GOOD, many, most))
    assert [each.checksum for each in records] == [None, FormatFault.TOO_MANY_HEADERS, None]


@pytest.mark.parametrize("codec", [5, 6, 7, Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD])
def test_a_batch_that_cannot_be_unpacked_comes_raw(codec: int) -> None:
    raw = batch(GOOD, GOOD, GOOD, attributes=codec, payload=b"neither this nor that")
    records, after = read(raw + batch(GOOD, base_offset=3), offset=1)
    assert [(each.offset, each.checksum) for each in records] == [(2, FormatFault.UNREADABLE_BATCH), (3, None)]
    assert records[0].value == raw
    assert after == 4


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "MAX_BYTES", 10_000)
    for codec, packed in {
        Codec.ZSTD: bomb(10_001),
        Codec.GZIP: codecs.gzip.compress(bytes(10_001)),
        Codec.LZ4: bytes(codecs.cramjam.lz4.compress(bytes(10_001))),
        Codec.SNAPPY: bytes(codecs.cramjam.snappy.compress_raw(bytes(10_001))),
    }.items():
        with pytest.raises(Undecodable):
            decompress(codec, packed, 10_000)
        assert len(decompress(codec, packed, 10_001)) == 10_001


def test_a_corrupt_batch_is_fetched_once_more_and_then_comes_raw() -> None:
    raw = bytearray(batch(GOOD, GOOD, base_offset=7_000))
    raw[-1] ^= 1
    data = batch(GOOD, base_offset=6_999) + bytes(raw) + batch(GOOD, base_offset=7_002)
    first, after = read(data, offset=6_999)
    assert ([each.offset for each in first], after) == ([6_999], 7_000)
    again = Batches(bytes(raw))
    assert again.has_next(), "the second time"
    second, after = read(data, offset=7_000)
    assert [(each.offset, each.checksum) for each in second] == [(7_001, FormatFault.CORRUPT_BATCH), (7_002, None)]
    assert after == 7_003


def test_what_was_never_seen_whole_is_fetched_again_and_is_not_too_large() -> None:
    raw = bytearray(batch(GOOD, base_offset=8_000))
    raw[-1] ^= 1
    batches = Batches(bytes(raw))
    assert (batches.has_next(), batches.size_in_bytes()) == (False, 0)


def test_the_brokers_time_is_kept() -> None:
    records, _ = read(batch(GOOD, BAD_NAME, attributes=APPEND_TIME))
    assert {(each.timestamp, each.timestamp_type) for each in records} == {(NOON_MS, 1)}


def test_any_bytes_move_the_position_on_and_keep_offsets_rising() -> None:
    """Bytes of the records changed at random, with a right checksum."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    whole = batch(GOOD, BAD_NAME, GOOD, MALFORMED, GOOD)[61:]
    for _ in range(3_000):
        payload = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            payload[chance.randrange(len(payload))] = chance.randrange(256)
        data = batch(*[GOOD] * 5, payload=bytes(payload)) + batch(Raw(b"next"), base_offset=5)
        records, after = read(data)
        offsets = [each.offset for each in records]
        assert offsets == sorted(set(offsets)), f"seed {seed}"
        assert (records[-1].value, after) == (b"next", 6), f"seed {seed}"
