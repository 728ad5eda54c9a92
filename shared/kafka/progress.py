"""How far a consumer group's member is: what it was given, how far behind it is, and whether it goes forward."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

LOOK_SECONDS: Final = 15.0
STALL_SECONDS: Final = 120.0
"""Behind, and nothing committed for this long: something is stuck."""


class ConsumerProgress:
    """Looked at by each readiness probe; it costs nothing in between but what watches it."""

    def __init__(self, consumer: AIOKafkaConsumer, *, stall_seconds: float = STALL_SECONDS) -> None:
        self._consumer = consumer
        self._stall_seconds = stall_seconds
        self._committed: dict[TopicPartition, int] = {}
        self._moved_at = time.monotonic()

    async def answer(self) -> bool | str:
        """For `/readyz`: True; or that the group is being joined, or that it stands although there is work."""
        assigned = self._consumer.assignment()
        if not self._has_joined():
            return "it is not in its group yet, or the group is being shared out anew"
        try:
            offsets = await self._read_committed(assigned)
        except KafkaError as error:
            return f"no broker tells how far it is: {type(error).__name__}"
        lag = self._lag(assigned, offsets)
        if lag == 0 or offsets != self._committed:
            self._committed = offsets
            self._moved_at = time.monotonic()
        standing = time.monotonic() - self._moved_at
        if lag == 0 or standing < self._stall_seconds:
            return True
        return f"it is {lag} records behind, and has finished none for {standing:.0f} s"

    async def watch(self, show: Callable[[int], None]) -> None:
        """Shows every 15 s how many records it is behind, until cancelled; what no broker tells stays as it was."""
        while True:
            with suppress(KafkaError):
                assigned = self._consumer.assignment()
                show(self._lag(assigned, await self._read_committed(assigned)))
            await asyncio.sleep(LOOK_SECONDS)

    async def _read_committed(self, assigned: frozenset[TopicPartition]) -> dict[TopicPartition, int]:
        committed = await self._consumer._coordinator.fetch_committed_offsets(list(assigned)) if assigned else {}
        return {place: found.offset for place, found in committed.items()}

    def _has_joined(self) -> bool:
        subscription = self._consumer._subscription.subscription
        return subscription is not None and subscription.assignment is not None

    def _lag(self, assigned: frozenset[TopicPartition], committed: dict[TopicPartition, int]) -> int:
        """Of what is still assigned: a rebalance may have come while a broker was asked."""
        assigned &= self._consumer.assignment()
        return sum(max((self._consumer.highwater(place) or 0) - committed.get(place, 0), 0) for place in assigned)
