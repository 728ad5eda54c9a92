"""The pure parts of the chat benchmark: what is kept of its promise, and what is not."""

from __future__ import annotations

import pytest

from bench.chat import FIGURES, rows, what_is_kept
from bench.turn import Measured


def measured(
    *, p99: float = 80.0, answered: float = 20.0, lost: int = 0, missed: int = 0, doubled: int = 0
) -> Measured:
    return Measured(
        p50=10.0, p99=p99, cpu_us=900.0, missed=missed, lost=lost, doubled=doubled, answered_p50=2.0,
        answered_p99=answered,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "floor", "broken"),
    [
        (measured(), measured(), 0),
        (measured(p99=101), measured(p99=90), 1),
        (measured(p99=149), measured(p99=100), 0),
        (measured(p99=151), measured(p99=100), 1),
        (measured(answered=50), measured(), 1),
        (measured(lost=1), measured(), 1),
        (measured(missed=1), measured(), 1),
        (measured(doubled=1), measured(), 1),
        (measured(), measured(lost=5, doubled=5), 0),
    ],
)
def test_what_is_kept(ours: Measured, floor: Measured, broken: int) -> None:
    found = rows("10 sockets", [ours], [floor])
    assert len(found) == len(FIGURES)
    assert what_is_kept(found).count("NOT KEPT") == broken
