"""What channels share whose lanes are written as rows, in bulks."""

from __future__ import annotations

from aiokafka import ConsumerRebalanceListener, TopicPartition

from shared.process.newer import NewerRecords


class ForgetsNewer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Forgets what waits for a newer version in partitions that go; they are read from their last commit."""

    def __init__(self, newer: NewerRecords) -> None:
        self._newer = newer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """They are somebody else's to wait with."""
        self._newer.forget((part.topic, part.partition) for part in revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Nothing: reading starts at the last commit."""
