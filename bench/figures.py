"""Figures: medians, ratios, the table and the document that a benchmark leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from statistics import median

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measured thing, beside a peer and the floor where there are any.

    `ratio` (to the peer) and `floor_ratio` are above 1 where ours is better, whatever the unit; None without the other.
    """

    what: str
    unit: str
    ours: float
    peer: float | None = None
    peer_name: str | None = None
    ratio: float | None = None
    floor: float | None = None
    floor_ratio: float | None = None
    lost: int = 0
    doubled: int = 0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What `bench/results/<name>.json` holds."""

    commit: str
    machine: dict[str, str | float]
    runs: int
    rows: list[Row]


def compare(
    what: str,
    unit: str,
    ours: Sequence[float],
    peer: Sequence[float] = (),
    floor: Sequence[float] = (),
    *,
    peer_name: str | None = None,
    less_is_better: bool = False,
    lost: int = 0,
    doubled: int = 0,
) -> Row:
    """A row of the medians of all sides' runs; `lost` and `doubled` are sums over all of them."""
    mine = median(ours)
    theirs = median(peer) if peer else None
    least = median(floor) if floor else None
    return Row(
        what=what,
        unit=unit,
        ours=short(mine),
        peer=None if theirs is None else short(theirs),
        peer_name=peer_name if theirs is not None else None,
        ratio=better(mine, theirs, less_is_better=less_is_better),
        floor=None if least is None else short(least),
        floor_ratio=better(mine, least, less_is_better=less_is_better),
        lost=lost,
        doubled=doubled,
    )


def better(ours: float, other: float | None, *, less_is_better: bool) -> float | None:
    """How many times better ours is; None without the other, or when either is 0."""
    if not ours or not other:
        return None
    return round(other / ours if less_is_better else ours / other, 2)


def short(value: float) -> float:
    """Four significant digits: more than any run repeats."""
    return float(f"{value:.4g}")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below `share` (0 to 1) of all; 0 without values."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0


HEADINGS = ("what", "unit", "ours", "peer", "to peer", "floor", "to floor", "lost", "doubled", "peer is")
FIGURES = range(2, 9)
"""The columns that hold numbers."""


def cells(row: Row) -> tuple[str, ...]:
    """A row as text, in the order of HEADINGS."""
    return (
        row.what,
        row.unit,
        number(row.ours),
        number(row.peer),
        times(row.ratio),
        number(row.floor),
        times(row.floor_ratio),
        str(row.lost),
        str(row.doubled),
        row.peer_name or "–",
    )


def number(value: float | None) -> str:
    """Thousands apart, decimals only where they say something."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"


def times(ratio: float | None) -> str:
    """A ratio as text."""
    return "–" if ratio is None else f"{ratio:.2f}x"


def table(rows: Sequence[Row]) -> str:
    """Rows for a terminal, aligned."""
    lines = [HEADINGS, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column in FIGURES else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def markdown(rows: Sequence[Row]) -> str:
    """Rows for a page."""
    rule = "|".join("--:" if column in FIGURES else "---" for column in range(len(HEADINGS)))
    head = f"| {' | '.join(HEADINGS)} |\n|{rule}|\n"
    return head + "\n".join(f"| {' | '.join(cells(row))} |" for row in rows)


def turns(sides: Sequence[str], run: int) -> list[str]:
    """The order of a run: forth, then back, and so on, so that a drift of the machine meets all alike."""
    return list(sides if run % 2 == 0 else reversed(sides))
