"""A rollup as MongoDB keeps it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict

from services.console.analytics.core.buckets import RollupPlace
from services.console.analytics.core.rollup import Rollup
from services.console.analytics.core.series import Series
from shared.model.timestamps import to_datetime


class RollupRow(TypedDict):
    """All series of one minute, hour or day of one tenant: one row, so that they change together."""

    _id: str
    tenant: str
    start: datetime
    revision: str
    """Another one with each write: whoever counts compares it."""
    series: list[dict[str, Any]]
    """What a series does not say is not in it; `n` is its count."""
    folded: int


def row_id(place: RollupPlace) -> str:
    """The `_id` of a rollup, in each collection, and of a mark."""
    return f"{place.tenant}:{place.start}"


def rollup_row(place: RollupPlace, rollup: Rollup, revision: str) -> RollupRow:
    """The document."""
    return {
        "_id": row_id(place),
        "tenant": place.tenant,
        "start": to_datetime(place.start),
        "revision": revision,
        "series": [_stored(series) | {"n": number} for series, number in sorted(rollup.counts.items(), key=_order)],
        "folded": rollup.folded,
    }


def rollup_of(row: RollupRow) -> Rollup:
    """The rollup of a stored row."""
    counts = {Series(**{name: one[name] for name in one if name != "n"}): int(one["n"]) for one in row["series"]}
    return Rollup(counts=counts, folded=row["folded"])


def _stored(series: Series) -> dict[str, Any]:
    return {name: value for name, value in series._asdict().items() if value is not None}


def _order(counted: tuple[Series, int]) -> tuple[str, ...]:
    return tuple(part or "" for part in counted[0])
