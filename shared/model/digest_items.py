"""What a delivery brings at once: a digest's items, or the one notification that it is about."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.model.deliveries import Delivery


class DigestItems(msgspec.Struct, frozen=True, kw_only=True):
    """`count`: of all that were gathered; `items`: the data of those that are shown, the oldest first."""

    count: int
    items: tuple[msgspec.Raw, ...]


_decoder: Final = msgspec.json.Decoder(DigestItems)


def digest_items(delivery: Delivery) -> DigestItems:
    """Of a delivery that is no digest: one item, its own data. Raises msgspec.DecodeError."""
    if delivery.digest is None:
        return DigestItems(count=1, items=(delivery.notification.data,))
    return _decoder.decode(delivery.digest)


def newest_data(delivery: Delivery) -> msgspec.Raw:
    """What is `data` to its readers: its notification's, of a digest the newest item's. Raises msgspec.DecodeError."""
    items = digest_items(delivery).items
    return items[-1] if items else delivery.notification.data
