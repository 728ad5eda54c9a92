"""Undoing a batch's compression without letting a small batch fill the memory."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator
from enum import IntEnum
from io import BytesIO
from typing import Final

import cramjam

MAX_BYTES: Final = 32 * 1_048_576
"""Of one batch. Brokers take 1 MiB compressed; what is larger than this when unpacked is an attack."""
_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES: Final = 16


class Codec(IntEnum):
    """The lowest three bits of a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


class Undecodable(Exception):
    """The bytes are not of this codec, or become too many."""


def decompress(codec: int, data: bytes, most: int = MAX_BYTES) -> bytes:
    """The records of a batch. Raises Undecodable; holds no more than `most` bytes and a copy of the result."""
    try:
        return _DECODERS[Codec(codec)](data, most)
    except (ValueError, OSError, EOFError, zlib.error, struct.error, cramjam.DecompressionError) as error:
        raise Undecodable(f"codec {codec}: {error}") from error


def _gzip(data: bytes, most: int) -> bytes:
    with gzip.GzipFile(fileobj=BytesIO(data)) as source:
        found = source.read(most)
        if source.read(1):
            raise Undecodable(f"more than {most} bytes")
    return found


def _framed(into: Callable[[bytes, bytearray], int]) -> Callable[[bytes, int], bytes]:
    def decode(data: bytes, most: int) -> bytes:
        room = bytearray(most)  # untouched pages cost nothing
        return bytes(memoryview(room)[: into(data, room)])

    return decode


def _snappy(data: bytes, most: int) -> bytes:
    blocks = list(_xerial_blocks(data)) if data.startswith(_XERIAL) else [data]
    if sum(cramjam.snappy.decompress_raw_len(block) for block in blocks) > most:
        raise Undecodable(f"more than {most} bytes")
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def _xerial_blocks(data: bytes) -> Iterator[bytes]:
    """The frame that Java's Snappy puts around blocks: a header, then length and block, again and again."""
    at = _XERIAL_HEADER_BYTES
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        at += 4
        yield data[at : at + size]
        at += size


_DECODERS: Final[dict[Codec, Callable[[bytes, int], bytes]]] = {
    Codec.NONE: lambda data, _: data,
    Codec.GZIP: _gzip,
    Codec.SNAPPY: _snappy,
    Codec.LZ4: _framed(cramjam.lz4.decompress_into),
    Codec.ZSTD: _framed(cramjam.zstd.decompress_into),
}
