"""Rates: how many of how many, and how far from the truth a sample of that size may be."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import sqrt
from typing import Final, NamedTuple

import msgspec

from services.console.analytics.core.outcomes import FurtherOutcome
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.inbox import Change
from shared.model.receipts import ReceiptState

ChannelOutcomes = Mapping[tuple[str | None, str], int]
"""By channel and outcome."""
Z_95: Final = 1.959963984540054
"""So many standard deviations around the mean hold 95 % of a normal distribution."""


class RateShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`count` of `of`. Without `rate` where it would be more than all: the rest was sent before the time that is asked for."""

    count: int
    of: int
    """The size of the sample."""
    rate: float | None = None
    low: float | None = None
    """The rate is between `low` and `high`, 95 % sure (Wilson's interval)."""
    high: float | None = None


class _Rule(NamedTuple):
    counted: str
    of: tuple[str, ...]
    channel: Channel | None = None
    """Of this channel only."""
    told_by: frozenset[str] = frozenset()
    """Of channels only that tell any of these at all."""


_SENT: Final = str(DeliveryState.SENT)
_DEAD: Final = str(DeliveryState.DEAD)
RULES: Final[Mapping[str, _Rule]] = {
    "delivered": _Rule(str(ReceiptState.DELIVERED), (_SENT,), told_by=frozenset(map(str, ReceiptState))),
    "failed": _Rule(_DEAD, (_SENT, _DEAD)),
    "opened": _Rule(str(FurtherOutcome.OPENED), (_SENT,), told_by=frozenset({str(FurtherOutcome.OPENED)})),
    "clicked": _Rule(str(FurtherOutcome.CLICKED), (_SENT,), told_by=frozenset({str(FurtherOutcome.CLICKED)})),
    "read": _Rule(str(Change.READ), (_SENT,), channel=Channel.IN_APP),
}


def rates_of(counts: ChannelOutcomes) -> dict[str, RateShown]:
    """The rates by name; one without a sample is left out."""
    found = {}
    for name, rule in RULES.items():
        channels = _channels(counts, rule)
        of = sum(counts.get((channel, outcome), 0) for channel in channels for outcome in rule.of)
        if of:
            found[name] = rate_shown(sum(counts.get((channel, rule.counted), 0) for channel in channels), of)
    return found


def rate_shown(count: int, of: int) -> RateShown:
    """The rate with its interval; `of` is not 0."""
    if count > of:
        return RateShown(count=count, of=of)
    low, high = wilson(count, of)
    return RateShown(count=count, of=of, rate=round(count / of, 4), low=round(low, 4), high=round(high, 4))


def wilson(count: int, of: int, z: float = Z_95) -> tuple[float, float]:
    """Wilson's score interval of a proportion, which holds for small samples and near 0 and 1 as well.

    E. B. Wilson, 1927. `count` <= `of`, and `of` is not 0.
    """
    share, spread = count / of, z * z / of
    middle = share + spread / 2
    half = z * sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def _channels(counts: ChannelOutcomes, rule: _Rule) -> Collection[str | None]:
    if rule.channel is not None:
        return [rule.channel.value]
    return {channel for channel, outcome in counts if not rule.told_by or outcome in rule.told_by}
