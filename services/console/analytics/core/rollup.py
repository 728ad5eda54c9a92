"""A rollup: how many statuses of each series there are in one minute, hour or day of one tenant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from services.console.analytics.core.series import Series, folded

MAX_SERIES: Final = 1_000
"""Of one tenant in one minute, hour or day; what is rarer is counted as `other`."""


class Rollup(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by series. Absolute: whoever counts again gets the same, and nothing is ever added to a stored one."""

    counts: Mapping[Series, int]
    folded: int = 0
    """Of these statuses so many are in `other`, because there were too many series."""

    @property
    def total(self) -> int:
        """All statuses in it."""
        return sum(self.counts.values())


EMPTY: Final = Rollup(counts={})


def rolled_up(counted: Iterable[tuple[Series, int]], *, already: int = 0, most: int = MAX_SERIES) -> Rollup:
    """The rollup of counts, of which `already` are folded; a series may come several times.

    The same counts in any order give the same rollup. The most frequent series are kept.
    """
    sums: Counter[Series] = Counter()
    for series, number in counted:
        sums[series] += number
    if len(sums) <= most:
        return Rollup(counts=dict(sums), folded=already)
    kept: Counter[Series] = Counter()
    for place, series in enumerate(sorted(sums, key=lambda one: (-sums[one], [part or "" for part in one]))):
        too_many = place >= most
        kept[folded(series) if too_many else series] += sums[series]
        already += sums[series] if too_many and folded(series) != series else 0
    return Rollup(counts=dict(kept), folded=already)


def merged(rollups: Iterable[Rollup], *, most: int = MAX_SERIES) -> Rollup:
    """Of an hour from its minutes, of a day from its hours."""
    parts = list(rollups)
    counted = (pair for part in parts for pair in part.counts.items())
    return rolled_up(counted, already=sum(part.folded for part in parts), most=most)
