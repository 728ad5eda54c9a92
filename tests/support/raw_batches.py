"""Record batches built by hand, so that they can be what no client would send."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import cramjam
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.record.util import calc_crc32c

from shared.kafka.codecs import Codec

NOON_MS: Final = 1_763_726_400_000
_HEAD: Final = struct.Struct(">hiqqqhii")
_ENCODERS: Final[dict[Codec, Callable[[bytes], bytes]]] = {
    Codec.NONE: bytes,
    Codec.GZIP: gzip_encode,
    Codec.SNAPPY: snappy_encode,
    Codec.LZ4: lz4_encode,
    Codec.ZSTD: zstd_encode,
}
Headers = Sequence[tuple[bytes, bytes | None]]


class Raw(NamedTuple):
    """One record; `body` replaces what its other fields would be written as."""

    value: bytes | None = b"{}"
    key: bytes | None = None
    headers: Headers = ()
    body: bytes | None = None


def batch(
    *records: Raw, base_offset: int = 0, codec: Codec = Codec.NONE, attributes: int = 0, payload: bytes | None = None
) -> bytes:
    """A batch with a right checksum; `payload` replaces its (compressed) records."""
    written = b"".join(record(each, delta) for delta, each in enumerate(records))
    payload = _ENCODERS[codec](written) if payload is None else payload
    count = len(records)
    fields = _HEAD.pack(codec | attributes, count - 1, NOON_MS, NOON_MS, -1, -1, -1, count) + payload
    head = struct.pack(">ibI", 0, 2, calc_crc32c(fields))
    return struct.pack(">qi", base_offset, len(head) + len(fields)) + head + fields


def record(each: Raw, offset_delta: int) -> bytes:
    """One record with its length."""
    body = each.body
    if body is None:
        parts = [b"\x00", varint(0), varint(offset_delta), _bytes(each.key), _bytes(each.value)]
        parts.append(varint(len(each.headers)))
        parts += [_bytes(part) for header in each.headers for part in header]
        body = b"".join(parts)
    return varint(len(body)) + body


def bomb(size: int) -> bytes:
    """zstd that becomes `size` bytes."""
    return bytes(cramjam.zstd.compress(bytes(size)))


def varint(value: int) -> bytes:
    """Zigzag, as Kafka writes it."""
    value = (value << 1) ^ (value >> 63)
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _bytes(value: bytes | None) -> bytes:
    return varint(-1) if value is None else varint(len(value)) + value
