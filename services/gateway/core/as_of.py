"""How new a count is, so that of two answers a client knows the newer one."""

from __future__ import annotations

from typing import NamedTuple


class AsOf(NamedTuple):
    """Of two counts the one with the larger value is newer: by offset first, then by time."""

    offset: int
    """The largest offset of a row that was there; -1 for none."""
    at: int
    """Every change until this time is in the count; milliseconds of MongoDB's clock."""
