"""What a digest has gathered, as its deliveries carry it."""

from __future__ import annotations

import msgspec


class Digest(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What templates see as `digest`."""

    count: int
    """How many there are; more than `items` where not all are shown."""
    items: tuple[msgspec.Raw, ...]
    """The data of each that is shown, the oldest first."""
    id: str | None = None
    """By which its items are found again, where a fallback has to wait."""
