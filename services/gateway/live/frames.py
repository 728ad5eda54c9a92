"""WebSocket text frames from a server: RFC 6455 section 5.2, final, unmasked, not compressed.

`ServerConnection.send` writes every frame on its own; here the frames of one tick are one write, so they are built
apart from it. websockets' `Frame.serialize` would build them, too, in 1.7 µs for a message of 200 bytes where this
takes 0.2 µs. That is worth having: every socket gets a frame of its own (it carries the session's cursor and unread
count), and all that an event costs per socket is 2 to 4 µs.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

_SHORT: Final = Struct(">H")
_MEDIUM: Final = Struct(">I")
_LONG: Final = Struct(">HQ")
_FINAL_TEXT: Final = 0x8100


def text_frame(payload: bytes) -> bytes:
    """One whole message; `payload` is UTF-8."""
    size = len(payload)
    if size < 126:
        return _SHORT.pack(_FINAL_TEXT | size) + payload
    if size < 65_536:
        return _MEDIUM.pack((_FINAL_TEXT | 126) << 16 | size) + payload
    return _LONG.pack(_FINAL_TEXT | 127, size) + payload
