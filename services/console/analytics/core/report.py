"""The console's answers about rollups: grouped counts as rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from services.console.analytics.core.buckets import RollupStep
from services.console.analytics.core.rates import RateShown, rates_of
from services.console.analytics.core.series import Dimension
from shared.model.deliveries import DeliveryState
from shared.model.timestamps import rfc3339

GroupKey = tuple[str | None, ...]
"""The value of each dimension that is grouped by, in their order."""


class Grouped(NamedTuple):
    """So many statuses of one group, channel and outcome."""

    start: int | None
    """None: of the whole time that is asked for."""
    key: GroupKey
    channel: str | None
    outcome: str
    number: int


class CountsRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One group: by what it is grouped (left out where its statuses say nothing of it), its counts and its rates."""

    counts: dict[str, int]
    """Statuses by outcome."""
    rates: dict[str, RateShown]
    start: str | None = None
    workflow: str | None = None
    channel: str | None = None
    provider: str | None = None
    variant: str | None = None
    locale: str | None = None


class DeliveryCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of notifications in a time: statuses counted by group and outcome."""

    from_: str = msgspec.field(name="from")
    """What was asked for, in whole minutes, hours or days of UTC."""
    to: str
    """Not included."""
    step: RollupStep
    """What was read: minutes, hours or days."""
    rows: list[CountsRow]
    totals: CountsRow
    folded: int
    """So many are in `other` because there were too many series: of one tenant, in one minute, hour or day."""
    pending: int
    """So many minutes are counted again soon: something of them came in just now."""


class VariantCounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One variant of a workflow; `variant` is left out for what was sent without one."""

    sent: int
    """The size of the sample."""
    counts: dict[str, int]
    rates: dict[str, RateShown]
    variant: str | None = None


class VariantComparison(msgspec.Struct, frozen=True, kw_only=True):
    """The variants of a workflow beside each other. Where the intervals of two rates overlap, neither is better yet."""

    workflow: str
    from_: str = msgspec.field(name="from")
    to: str
    channel: str | None
    variants: list[VariantCounts]
    folded: int
    pending: int


class Recounting(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted anew, within seconds or minutes; `pending` of the other answers says how far it is."""

    from_: str = msgspec.field(name="from")
    """No earlier: what was counted before stays as it is."""
    to: str
    marked: int
    """So many minutes and hours."""


def count_rows(found: Iterable[Grouped], by: Sequence[Dimension]) -> list[CountsRow]:
    """A row of each group, by time, then by name."""
    groups: dict[tuple[int | None, GroupKey], list[Grouped]] = defaultdict(list)
    for one in found:
        groups[one.start, one.key].append(one)
    return [
        _row(groups[start, key], start, dict(zip(map(str, by), key, strict=True)))
        for start, key in sorted(groups, key=lambda at: (at[0] or 0, [part or "" for part in at[1]]))
    ]


def totals_row(found: Iterable[Grouped]) -> CountsRow:
    """All of it as one row."""
    return _row(found, None, {})


def variant_rows(found: Iterable[Grouped]) -> list[VariantCounts]:
    """A row of each variant, of counts that are grouped by variant; statuses of whole notifications name none."""
    return [
        VariantCounts(
            variant=row.variant, sent=row.counts.get(DeliveryState.SENT, 0), counts=row.counts, rates=row.rates
        )
        for row in count_rows(found, [Dimension.VARIANT])
        if row.variant is not None or DeliveryState.SENT in row.counts
    ]


def _row(found: Iterable[Grouped], start: int | None, names: dict[str, str | None]) -> CountsRow:
    exact: Counter[tuple[str | None, str]] = Counter()
    counts: Counter[str] = Counter()
    for one in found:
        exact[one.channel, one.outcome] += one.number
        counts[one.outcome] += one.number
    return CountsRow(
        start=None if start is None else rfc3339(start),
        counts=dict(sorted(counts.items())),
        rates=rates_of(exact),
        **names,
    )
