"""What a record to decide makes the process hold until all that follows from it is written."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.deciding.digest_content import MAX_SHOWN_BYTES


class _Delivery(msgspec.Struct, frozen=True):
    digest: msgspec.Raw = msgspec.Raw()


class _Record(msgspec.Struct, frozen=True):
    """As far as it says that it brings a digest."""

    digest: str = ""
    delivery: _Delivery = _Delivery()


_record: Final = msgspec.json.Decoder(_Record)
_NAMED: Final = b'"digest":'


def weigh(value: bytes) -> int:
    """In bytes, about: its value, and what is shown of the digest that it brings, which is read when it is decided."""
    if _NAMED not in value:
        return len(value)
    try:
        record = _record.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return len(value)
    return len(value) + MAX_SHOWN_BYTES if record.digest or record.delivery.digest else len(value)
