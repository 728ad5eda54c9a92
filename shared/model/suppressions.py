"""The suppression list: addresses that nothing, or nothing of a category, is sent to; whosever they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum
from typing import Final

import msgspec

from shared.model import formats
from shared.model.channels import ADDRESS_KINDS
from shared.model.ids import SEPARATOR


class SuppressionReason(StrEnum):
    """Why an address is on the list."""

    BOUNCED = "bounced"
    """It does not exist."""
    COMPLAINED = "complained"
    """Who reads there said that it is spam."""
    UNSUBSCRIBED = "unsubscribed"
    """Who reads there asked for no more of it."""
    MANUAL = "manual"
    """An operator put it there."""


class Suppression(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One entry of the list."""

    tenant: str
    address: str
    """As `owners.address_ids` has it: kind and hash, never the address."""
    reason: SuppressionReason
    category: str | None = None
    """None: everything."""
    created_at: int = 0
    """Milliseconds since the epoch."""
    by: str = ""
    """Who put it there: a key's id, `one-click`, or a provider's account."""
    format: int = formats.OLDEST

    @property
    def kind(self) -> str:
        """The name of the address's kind."""
        return self.address.partition(SEPARATOR)[0]

    def stops(self, category: str, *, critical: bool) -> bool:
        """Whether nothing of this category goes to the address. Who unsubscribed still gets what is critical."""
        wide = self.category is None or self.category == category
        return wide and not (critical and self.reason in _LETS_CRITICAL)


SuppressAddress = Callable[[Suppression], Awaitable[object]]
"""Puts an entry on the list, and tells `decide`; again it changes nothing. Raises MongoUnavailable or KafkaUnavailable."""
_LETS_CRITICAL: Final = frozenset({SuppressionReason.UNSUBSCRIBED})


def suppressed_kinds(entries: Iterable[Suppression], category: str, *, critical: bool) -> tuple[str, ...]:
    """The kinds of the addresses that these entries close, in the order of the kinds."""
    closed = {entry.kind for entry in entries if entry.stops(category, critical=critical)}
    return tuple(name for name in ADDRESS_KINDS if name in closed)
