"""What is in flight: offsets that may be committed, and each key's order.

A record is in flight from its reading until all that follows it is durable. An offset is committed only
when everything before it is done; of one key only one record is worked on at a time. A key keeps order
within its partition, as Kafka does; records without a key have no order to keep.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable
from typing import Generic, NamedTuple, TypeVar

from shared.model.outputs import Coordinates, Partition

J = TypeVar("J")


class Queued(NamedTuple, Generic[J]):
    """A job, where its record stands, and the key it keeps order with."""

    at: Coordinates
    key: bytes | None
    job: J


class InFlight(Generic[J]):
    """Jobs in flight by partition and key. `share`: so many of one key count as `held`, however many wait."""

    def __init__(self, *, share: int | None = None) -> None:
        self._share = share
        self._beyond = 0
        self._in_flight: dict[Partition, dict[int, int]] = {}
        """By offset, in their order: the bytes of each."""
        self._read_up_to: dict[Partition, int] = {}
        self._chains: dict[tuple[Partition, bytes], deque[Queued[J]]] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return sum(map(len, self._in_flight.values()))

    @property
    def held(self) -> int:
        """How many there are; of each key no more than its share."""
        return len(self) - self._beyond

    def within(self, partitions: Container[Partition]) -> tuple[int, int]:
        """How many there are in these partitions, and their bytes."""
        found = [offsets for partition, offsets in self._in_flight.items() if partition in partitions]
        return sum(map(len, found)), sum(sum(offsets.values()) for offsets in found)

    def add(self, at: Coordinates, key: bytes | None, job: J, size: int = 0) -> bool:
        """Takes a job of `size` bytes in; True when it may start, False when it waits behind one of the same key."""
        partition = (at.topic, at.partition)
        if at.offset < self._read_up_to.get(partition, 0):
            # Its topic was made again: former offsets mean nothing any more.
            self.bytes -= sum(self._in_flight.pop(partition, {}).values())
        self._in_flight.setdefault(partition, {})[at.offset] = size
        self.bytes += size
        self._read_up_to[partition] = at.offset + 1
        if key is None:
            return True
        chain = self._chains.setdefault((partition, key), deque())
        chain.append(Queued(at, key, job))
        self._beyond += self._is_over_share(chain)
        return len(chain) == 1

    def done(self, at: Coordinates, key: bytes | None) -> Queued[J] | None:
        """Ends the job at the head of its key; returns the next one of that key, which may start."""
        partition = (at.topic, at.partition)
        self.bytes -= self._in_flight.get(partition, {}).pop(at.offset, 0)
        chain = None if key is None else self._chains.get((partition, key))
        if key is None or not chain or chain[0].at != at:
            return None
        self._beyond -= self._is_over_share(chain)
        chain.popleft()
        if chain:
            return chain[0]
        del self._chains[partition, key]
        return None

    def shorten(
        self, most: int, is_slow: Callable[[Queued[J]], bool], of: tuple[Partition, bytes] | None = None
    ) -> list[Queued[J]]:
        """Takes out of the chains (all, or one) whose head is slow what is behind `most`: order is not kept for it.

        Each is to be ended by `done` as any other.
        """
        taken: list[Queued[J]] = []
        chains: Iterable[deque[Queued[J]]] = self._chains.values() if of is None else [self._chains[of]]
        for chain in chains:
            if len(chain) > most and is_slow(chain[0]):
                taken += [chain.pop() for _ in range(len(chain) - most)]
        if taken:
            self._count_beyond()
        return taken

    def stop(self, leaves: Callable[[Coordinates], bool]) -> None:
        """Nothing that leaves and has not started will start any more; its offset stays uncommitted."""
        for key, chain in self._chains.items():
            self._chains[key] = deque([chain[0], *(entry for entry in list(chain)[1:] if not leaves(entry.at))])
        self._count_beyond()

    def committable(self) -> dict[Partition, int]:
        """By partition the offset before which everything is done."""
        return {
            partition: next(iter(self._in_flight.get(partition) or ()), read_up_to)
            for partition, read_up_to in self._read_up_to.items()
        }

    def forget(self, partitions: set[Partition]) -> None:
        """The partitions belong to somebody else now."""
        for partition in partitions:
            self.bytes -= sum(self._in_flight.pop(partition, {}).values())
            self._read_up_to.pop(partition, None)
        for partition, key in [name for name in self._chains if name[0] in partitions]:
            del self._chains[partition, key]
        self._count_beyond()

    def _is_over_share(self, chain: deque[Queued[J]]) -> bool:
        return self._share is not None and len(chain) > self._share

    def _count_beyond(self) -> None:
        if self._share is not None:
            self._beyond = sum(max(0, len(chain) - self._share) for chain in self._chains.values())
