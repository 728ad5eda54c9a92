"""Where a page of the inbox ends, as opaque text: what arrives or goes meanwhile moves nothing."""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Final

from services.gateway.core.limits import MAX_CURSOR_CHARACTERS

_LAYOUT: Final = struct.Struct(">Bq")
_VERSION: Final = 1


def write_page_cursor(offset: int) -> str:
    """The page that follows the item with this offset."""
    return urlsafe_b64encode(_LAYOUT.pack(_VERSION, offset)).decode()


def read_page_cursor(text: str) -> int | None:
    """The offset that `write_page_cursor` was given; None for any other text."""
    if len(text) > MAX_CURSOR_CHARACTERS:
        return None
    try:
        version, offset = _LAYOUT.unpack(urlsafe_b64decode(text))
    except (Base64Error, struct.error, ValueError):
        return None
    return offset if version == _VERSION else None
