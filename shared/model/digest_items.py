"""What a delivery brings at once: a digest's items, or the one notification that it is about."""

from __future__ import annotations

import msgspec

from shared.model.deliveries import Delivery
from shared.model.digests import Digest


def digest_items(delivery: Delivery) -> Digest:
    """Of a delivery that is no digest: one item, its own data."""
    return delivery.digest or Digest(count=1, items=(delivery.notification.data,))


def newest_data(delivery: Delivery) -> msgspec.Raw:
    """What is `data` to its readers: its notification's, of a digest the newest item's."""
    items = digest_items(delivery).items
    return items[-1] if items else delivery.notification.data
