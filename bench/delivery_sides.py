"""What the delivery benchmark measures of a run of a side, and the rows of all runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from bench.draining import Drained
from bench.figures import Row, compare
from bench.run import say

FIGURES: Final = (
    ("", "per second", "per_second", False),
    (", processor time of the workers", "µs each", "cpu_us", True),
    (", processor time with Kafka and mongod, or Redis", "µs each", "all_cpu_us", True),
)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one side. Processor time per delivery."""

    per_second: float
    cpu_us: float
    all_cpu_us: float
    lost: int
    doubled: int


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside ours."""

    what: str
    peer: str | None
    """The side that is the peer, if there is one; the floor is called `floor`."""
    peer_name: str | None
    counts: Mapping[str, int]
    """By side how many it is given: fewer to a slow one."""
    small: Mapping[str, int]


def measured(what: str, side: str, count: int, seconds: float, used: Drained, *, lost: int, doubled: int) -> Measured:
    """Says it as well."""
    each = 1e6 / count
    say(
        f"{what} {side:>10}: {count:6} in {seconds:6.2f} s = {count / seconds:7,.0f}/s, {used.workers * each:5.0f} µs of CPU each,"
        f" brokers {used.brokers * each:4.0f}, lost {lost}, doubled {doubled}"
    )
    return Measured(
        per_second=count / seconds,
        cpu_us=used.workers * each,
        all_cpu_us=(used.workers + used.brokers) * each,
        lost=lost,
        doubled=doubled,
    )


def compared(sides: Sides, runs: Mapping[str, Sequence[Measured]]) -> list[Row]:
    """All figures of a channel."""
    lost, doubled = (sum(getattr(one, name) for some in runs.values() for one in some) for name in ("lost", "doubled"))
    return [
        compare(
            f"{sides.what}{of}",
            unit,
            *(
                [getattr(one, name) for one in (runs.get(side, ()) if side else ())]
                for side in ("ours", sides.peer, "floor")
            ),
            peer_name=sides.peer_name,
            less_is_better=less,
            lost=lost,
            doubled=doubled,
        )
        for of, unit, name, less in FIGURES
    ]
