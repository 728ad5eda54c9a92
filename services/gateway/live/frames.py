"""WebSocket text frames from a server (pure): RFC 6455 section 5.2, final, unmasked, not compressed.

Built by hand because a frame that is built once may be written to many sockets, and many frames in one write.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

_SHORT: Final = Struct(">BB")
_MEDIUM: Final = Struct(">BBH")
_LONG: Final = Struct(">BBQ")
_FINAL_TEXT: Final = 0x81


def text_frame(payload: bytes) -> bytes:
    """One whole message; `payload` is UTF-8."""
    size = len(payload)
    if size < 126:
        return _SHORT.pack(_FINAL_TEXT, size) + payload
    if size < 65_536:
        return _MEDIUM.pack(_FINAL_TEXT, 126, size) + payload
    return _LONG.pack(_FINAL_TEXT, 127, size) + payload
