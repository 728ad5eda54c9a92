"""Where records may have been decided before: behind an assignment, and after a chunk that failed.

What is stored is looked up there, so that a chunk is decided as it was. Elsewhere the look-up would find nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.model.outputs import Partition

CERTAIN: Final = 10_000
"""So many records in a row of a partition were new: all chunks that may have been under way at a crash are behind."""


class ReplayWatch:
    """Of the partitions of one process."""

    def __init__(self, certain: int = CERTAIN) -> None:
        self._certain = certain
        self._new: dict[Partition, int] = {}

    def reset(self) -> None:
        """Partitions moved, or a chunk failed: what comes next may have been decided."""
        self._new.clear()

    def expects(self, partition: Partition) -> bool:
        """Whether a record of the partition may have been decided before."""
        return self._new.get(partition, 0) < self._certain

    def saw(self, records: Iterable[tuple[Partition, bool]]) -> None:
        """Records in the order of the log, and whether each was decided before."""
        for partition, known in records:
            self._new[partition] = 0 if known else self._new.get(partition, 0) + 1
