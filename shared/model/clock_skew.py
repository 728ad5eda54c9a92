"""How wrong a clock is, from one question to the clock that all instances share."""

from __future__ import annotations

from typing import Final

LONGEST_ANSWER_MS: Final = 500
"""An answer that took longer says too little."""


def ahead_of(*, before: int, shared: int, after: int, known: int) -> int:
    """How many milliseconds this clock is ahead of the shared one, which said `shared` between `before` and `after`.

    `known` as long as it agrees with that, so that clocks that are in step are left alone. Else the shared time
    is taken to be no later than it must be: a clock that is a little slow waits, a fast one would be early.
    """
    took = after - before
    if not 0 <= took <= LONGEST_ANSWER_MS:
        return known
    if shared <= after - known <= shared + took + 1:  # its milliseconds are cut off
        return known
    return after - shared
