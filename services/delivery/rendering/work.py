"""How much work a text may be: counted, not timed, so that it fails on every machine and at every replay, or on none.

A unit is about a tenth of a microsecond: reading a variable, a comparison, some characters that are gone through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from liquid.exceptions import ResourceLimitError

MAX_WORK: Final = 3_000_000
"""Of one text: about a second at the worst; a digest of 1,000 items takes a tenth of it."""
MAX_VALUE: Final = 2_097_152
"""Characters of a text, or entries in all of a list, that a filter may make."""
MAX_BITS: Final = 16_384
"""Of a number."""


class TooMuchWork(ResourceLimitError):
    """The text goes through more than a message may need."""


class TextWork:
    """What is left for one text."""

    __slots__ = ("_seen", "left")

    def __init__(self) -> None:
        self.left = MAX_WORK
        self._seen: dict[int, tuple[Any, int]] | None = None

    def take(self, units: int) -> None:
        """Raises TooMuchWork when nothing is left."""
        self.left -= units
        if self.left < 0:
            raise TooMuchWork("too much work", token=None)

    def look_at(self, value: Any) -> None:
        """A value may be compared or searched as a whole. Raises TooMuchWork.

        A list that is looked at in each turn of a loop is weighed once; comparing is quicker than weighing.
        """
        kind = type(value)
        if kind is str:
            self.left -= len(value) >> 6
        elif kind is list or kind is dict:
            if self._seen is None:
                self._seen = {}
            found = self._seen.get(id(value))
            if found is None:  # kept, lest another value gets its id
                units = weight(value)
                self._seen[id(value)] = value, units
            else:
                units = (len(value) >> 2) + (found[1] >> 4)
            self.take(units)


def weight(value: Any) -> int:
    """What going through it once takes, all that is in it included. Raises TooMuchWork above MAX_VALUE."""
    if isinstance(value, str):
        units = len(value) >> 2
        heavy = len(value) > MAX_VALUE
    elif isinstance(value, (list, tuple, Mapping)):
        units = _entries(value)
        heavy = units > MAX_VALUE
    elif isinstance(value, range):
        units = len(value)
        heavy = units > MAX_VALUE
    elif isinstance(value, int):
        units = value.bit_length() >> 5
        heavy = value.bit_length() > MAX_BITS
    else:
        return 1
    if heavy:
        raise TooMuchWork("a value is too large", token=None)
    return units + 1


def _entries(value: Any) -> int:
    """Counted until they are too many: the same list may stand in another a hundred thousand times."""
    units, stack = 0, [value]
    while stack and units <= MAX_VALUE:
        one = stack.pop()
        if isinstance(one, Mapping):
            stack.extend(one.values())
        elif isinstance(one, (list, tuple)):
            units += len(one)
            stack.extend(one)
        elif isinstance(one, str):
            units += len(one) >> 4
        units += 1
    return units
