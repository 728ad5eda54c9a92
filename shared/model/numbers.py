"""Ids as integers, for documents that have integers: 53 bits of a derived id, which every JSON reader takes whole.

Within one owner no two are alike but by an accident of one in 10^9 for a thousand notifications. An id begins with these
bits, so what a number may stand for lies between two ids.
"""

from __future__ import annotations

from typing import Final

from uuid_utils import UUID

BITS: Final = 53
_VERSION: Final = 5 << 76
"""The same four bits in each of ours, so they do not count: 48 do in front of them, and five behind."""
_FRONT: Final = 80
_REST: Final = 71
"""Bits behind the first 48, and behind all that count."""


def number_of(id_: str) -> int:
    """The number of an id. Raises ValueError: it is none of ours."""
    whole = UUID(id_).int
    return (whole >> _FRONT) << 5 | (whole >> _REST) & 31


def ids_between(number: int) -> tuple[str, str]:
    """The smallest and the largest id that have this number. Raises ValueError: nothing has it."""
    if not 0 <= number < 1 << BITS:
        raise ValueError("a number has 53 bits")
    first = (number >> 5) << _FRONT | _VERSION | (number & 31) << _REST
    return str(UUID(int=first)), str(UUID(int=first | ((1 << _REST) - 1)))
