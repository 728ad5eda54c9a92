"""Which rollups are asked for, checked."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from services.console.analytics.core.buckets import HOUR_MS, RollupStep
from services.console.analytics.core.series import Dimension
from shared.model.did_you_mean import did_you_mean
from shared.model.errors import Invalid
from shared.model.timestamps import DAY_MS, parse_rfc3339

MAX_BUCKETS: Final = 1_500
"""Minutes, hours or days of one answer: a day of minutes, two months of hours, four years of days."""
MAX_WORD: Final = 200
_READABLE: Final = {RollupStep.MINUTE: 3 * HOUR_MS, RollupStep.HOUR: 31 * DAY_MS}
"""Up to here a time without a step is read by these; a longer one by days."""
E = TypeVar("E", bound=StrEnum)


class AskedRollups(NamedTuple):
    """One question: from `start` to `end` (not included), both where a rollup begins."""

    tenant: str
    step: RollupStep
    start: int
    end: int
    split: bool
    """One row for each minute, hour or day; else one for all of the time."""
    by: tuple[Dimension, ...]
    only: Mapping[str, str]
    """Values of dimensions, and of `outcome`."""


def asked_rollups(
    tenant: str,
    now: int,
    *,
    from_: str | None,
    to: str | None,
    step: str | None,
    by: str | None,
    only: Mapping[str, str | None],
) -> AskedRollups:
    """What a caller says, checked. Raises Invalid."""
    start, end = asked_times(now, from_, to)
    split = step is not None
    wanted = _member(RollupStep, step, "step") if step is not None else _readable(start, end, now)
    start, end = wanted.start_of(start), wanted.end_of(end)
    if (end - start) // wanted.length > MAX_BUCKETS:
        detail = f"that is more than {MAX_BUCKETS} of one {wanted}; take a longer step, or less time"
        raise Invalid("invalid_filter", detail, "/step" if split else "/from")
    names = [name for name in (by or "").split(",") if name]
    return AskedRollups(
        tenant=tenant,
        step=wanted,
        start=start,
        end=end,
        split=split,
        by=tuple(dict.fromkeys(_member(Dimension, name, "by") for name in names)),
        only={name: value for name, value in only.items() if value is not None},
    )


def asked_times(now: int, from_: str | None, to: str | None) -> tuple[int, int]:
    """From when to when (not included): the last 24 hours where nothing is said. Raises Invalid."""
    end = now if to is None else _instant(to, "to")
    start = end - DAY_MS if from_ is None else _instant(from_, "from")
    if start >= end:
        raise Invalid("invalid_filter", "from is before to", "/from")
    return start, end


def _readable(start: int, end: int, now: int) -> RollupStep:
    """Minutes while they are there for sure, then hours, then days."""
    if end - start <= _READABLE[RollupStep.MINUTE] and start > now - DAY_MS:
        return RollupStep.MINUTE
    recent = end - start <= _READABLE[RollupStep.HOUR] and start > now - 80 * DAY_MS
    return RollupStep.HOUR if recent else RollupStep.DAY


def _instant(text: str, name: str) -> int:
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        detail = f"{name} must be an RFC 3339 time, as 2026-01-05T08:00:00Z"
        raise Invalid("invalid_filter", detail, f"/{name}") from error


def _member(kind: type[E], word: str, name: str) -> E:
    try:
        return kind(word)
    except ValueError as error:
        known = [str(one) for one in kind]
        detail = f"{name} is one of {', '.join(known)}{did_you_mean(word, known)}"
        raise Invalid("invalid_filter", detail, f"/{name}") from error
