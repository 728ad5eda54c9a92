"""Times that data names: `data.booking.start - 24h`."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from shared.model.errors import InvalidWorkflow
from shared.model.timestamps import DAY_MS, parse_rfc3339

UNITS_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}
MAX_OFFSET_MS: Final = 366 * DAY_MS
EARLIEST_MS: Final = 100_000_000_000
"""In 1973: what is less is a number of seconds, which would lie weeks after 1970."""
LATEST_MS: Final = 221_845_392_000_000
"""The year 9000: what is later stands for never, and with what is added to it there would be no date."""
_EXPRESSION: Final = re.compile(r"(data(?:\.[^.\s\[\]]+)+)(?:\s*([+-])\s*(\d{1,9})\s*([smhd]))?")


class DataTime(NamedTuple):
    """A path into the data, and how much later (or earlier) in milliseconds."""

    path: str
    offset_ms: int


def parse_data_time(text: str, pointer: str) -> DataTime:
    """The parts of an expression. Raises InvalidWorkflow."""
    match = _EXPRESSION.fullmatch(text.strip())
    if match is None:
        detail = f"{text[:60]!r} is no time of the data; write data.booking.start - 24h (s, m, h or d)"
        raise InvalidWorkflow("invalid_time", detail, pointer)
    path, sign, number, unit = match.groups()
    offset = int(number) * UNITS_MS[unit] if number else 0
    if offset > MAX_OFFSET_MS:
        raise InvalidWorkflow("invalid_time", "366 days at most", pointer)
    return DataTime(path, -offset if sign == "-" else offset)


def instant_of(value: object) -> int | None:
    """Milliseconds since the epoch of an RFC 3339 text, or of a number of them (as JSON: 1.0 is 1).

    None for anything else: 0001-01-01 and 9999-12-31 stand for no time, small numbers for seconds.
    """
    if isinstance(value, str):
        try:
            at = parse_rfc3339(value)
        except ValueError:
            return None
        return at if 0 <= at < LATEST_MS else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if EARLIEST_MS <= value < LATEST_MS else None
    return None
