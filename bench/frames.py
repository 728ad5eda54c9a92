"""WebSocket frames (RFC 6455) as the benchmarks' clients cut and make them, without a library."""

from __future__ import annotations

TEXT, PING, PONG = 1, 9, 10
FIN = 0x80
"""In the first byte: the frame is a whole message."""
MASKED = 0x80
"""In the second byte: a mask follows, as it must in a client's frame."""
MASK = b"\0\0\0\0"
"""Zeros change nothing, so nothing has to be computed."""


def cut(buffer: bytes, start: int) -> tuple[int, bytes, int] | None:
    """Opcode and payload of the (unmasked) frame at `start`, and where the next begins; None: not all of it is there."""
    if len(buffer) < start + 2:
        return None
    length, begin = buffer[start + 1] & 0x7F, start + 2
    extra = {126: 2, 127: 8}.get(length, 0)
    if extra:
        length, begin = int.from_bytes(buffer[begin : begin + extra], "big"), begin + extra
        if len(buffer) < begin:
            return None
    end = begin + length
    return (buffer[start] & 0x0F, buffer[begin:end], end) if len(buffer) >= end else None


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame (RFC 6455) of less than 64 KiB."""
    first, length = bytes((FIN | opcode,)), len(payload)
    if length < 126:
        return first + bytes((MASKED | length,)) + MASK + payload
    return first + bytes((MASKED | 126,)) + length.to_bytes(2, "big") + MASK + payload
