"""How far a client has seen, as opaque text: epoch, offset and change token.

It also says whose inbox it is of: with another user's cursor a client would miss notifications of its own user.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from typing import Final, NamedTuple
from zlib import crc32

from services.gateway.core.limits import MAX_CURSOR_CHARACTERS

_LAYOUT: Final = struct.Struct(">BIIqq")
_OWNER: Final = struct.Struct(">BII")
_OFFSET: Final = struct.Struct(">qB")
"""Nine bytes each, the token's first one with the offset: that is twelve characters, so each is written by itself."""
_TOKEN: Final = struct.Struct(">q")
_TOKEN_CHARACTERS: Final = 10
"""Of the token's other seven bytes; what is behind them only fills the group."""
_VERSION: Final = 1
MAX_TOKEN: Final = 253_402_300_799_000
"""The last second of the year 9999: no later time can be asked for."""
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class Cursor(NamedTuple):
    """All rows up to `offset` were seen, and all changes until `token` (milliseconds of MongoDB's clock)."""

    offset: int
    token: int


class Cursors:
    """Writes and reads the cursors of one user's inbox in one epoch."""

    __slots__ = ("_begin", "_epoch", "_owner")

    def __init__(self, epoch: str, user_key: bytes) -> None:
        self._epoch = crc32(epoch.encode())
        self._owner = crc32(user_key)
        self._begin = _text(_OWNER.pack(_VERSION, self._epoch, self._owner))

    def write(self, offset: int, token: int) -> str:
        """The text a client keeps."""
        return self.encode(offset, token).decode()

    def encode(self, offset: int, token: int) -> bytes:
        """The same, in ASCII."""
        before, after = self.around(token)
        return before + offset_text(offset, high_byte(token)) + after

    def around(self, token: int) -> tuple[bytes, bytes]:
        """What stands before and after the text of an offset: it changes with the token only."""
        return self._begin, _text(_TOKEN.pack(token)[1:])[:_TOKEN_CHARACTERS]

    def read(self, text: str) -> Cursor | None:
        """None when it is no cursor, of another epoch, or of another inbox: then the client starts anew."""
        if len(text) > MAX_CURSOR_CHARACTERS:
            return None
        try:
            packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            version, epoch, owner, offset, token = _LAYOUT.unpack(packed)
        except (Base64Error, struct.error, ValueError):
            return None
        known = (version, epoch, owner) == (_VERSION, self._epoch, self._owner)
        return Cursor(offset, token) if known and offset >= -1 and 0 <= token <= MAX_TOKEN else None


def high_byte(token: int) -> int:
    """The part of a token that is written with the offset; 0 for some million years."""
    return token >> 56


def offset_text(offset: int, high: int) -> bytes:
    """What of a cursor changes with the offset; `high` is the token's."""
    return b2a_base64(_OFFSET.pack(offset, high), newline=False).translate(_URL_SAFE)


def _text(packed: bytes) -> bytes:
    return b2a_base64(packed, newline=False).translate(_URL_SAFE)
