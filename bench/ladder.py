"""The highest rate that a chain holds: up a fixed ladder of rates, until a rung breaks twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

TRIES = 2
"""A rung counts as broken when it breaks this often in a row: one pause of the machine is no limit of a chain."""


async def highest(rates: Sequence[int], holds: Callable[[int], Awaitable[bool]]) -> int:
    """The last of the rising `rates` that held, all below having held too; 0 when the first one did not.

    Climbing from below overloads a chain only at the last rung, so no backlog is left for what is measured next.
    """
    held = 0
    for rate in rates:
        for _ in range(TRIES):
            if await holds(rate):
                held = rate
                break
        else:
            return held
    return held
