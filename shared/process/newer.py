"""What this process leaves to a newer version: where it stands, shown by /readyz, the log and a metric."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import structlog

from shared.model import formats
from shared.model.formats import NewerFormat
from shared.model.outputs import Coordinates, Partition
from shared.process.metrics import NEWER_RECORDS

FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 30.0
"""Between two looks: what waits for a record, not for bytes that cannot change, may have been made readable."""
MAX_SHOWN: Final = 5

log = structlog.get_logger()


class NewerRecords:
    """The records of a process that wait for a newer one."""

    def __init__(self) -> None:
        self._waiting: dict[Coordinates, tuple[NewerFormat, int]] = {}
        """With how often each was looked at."""

    def note(self, at: Coordinates, newer: NewerFormat) -> float:
        """The record at `at` waits; returns the seconds until it is worth another look. Logged once."""
        _, looks = self._waiting.get(at, (newer, 0))
        self._waiting[at] = newer, looks + 1
        if not looks:
            log.error(
                "newer_record",
                what=newer.what,
                topic=at.topic,
                partition=at.partition,
                offset=at.offset,
                format=newer.number,
                reads_up_to=formats.FORMAT,
                next="update this service; its partition waits, or goes to a process that is up to date",
            )
            self._measure(at.topic)
        return min(FIRST_SECONDS * 2.0**looks, LONGEST_SECONDS) if looks < LOOKS else LONGEST_SECONDS

    def settle(self, at: Coordinates) -> None:
        """It does not wait any more."""
        if self._waiting.pop(at, None) is not None:
            self._measure(at.topic)

    def forget(self, partitions: Iterable[Partition]) -> None:
        """These belong to somebody else now, or are read anew."""
        gone = set(partitions)
        for at in [at for at in self._waiting if (at.topic, at.partition) in gone]:
            self.settle(at)

    async def check(self) -> bool | str:
        """For /readyz: True, or what waits where."""
        if not self._waiting:
            return True
        shown = [
            f"{newer.what} at {at.topic}/{at.partition}/{at.offset} has format {newer.number}"
            for at, (newer, _) in sorted(self._waiting.items())[:MAX_SHOWN]
        ]
        more = len(self._waiting) - len(shown)
        return f"waits for a newer version ({formats.FORMAT} is read here): {'; '.join(shown)}" + (
            f"; and {more} more" if more else ""
        )

    def _measure(self, topic: str) -> None:
        NEWER_RECORDS.labels(topic).set(sum(at.topic == topic for at in self._waiting))


LOOKS: Final = 16
"""After so many the pause is the longest."""
