"""What is in flight: offsets that may be committed, and each key's order.

A record is in flight from its reading until all that follows it is durable. An offset is committed only
when everything before it is done; of one key only one record is worked on at a time. A key keeps order
within its partition, as Kafka does; records without a key have no order to keep.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container
from typing import Generic, NamedTuple, TypeVar

from shared.model.outputs import Coordinates, Partition

J = TypeVar("J")


class Queued(NamedTuple, Generic[J]):
    """A job, where its record stands, and the key it keeps order with."""

    at: Coordinates
    key: bytes | None
    job: J


class InFlight(Generic[J]):
    """Jobs in flight by partition and key."""

    def __init__(self) -> None:
        self._in_flight: dict[Partition, dict[int, None]] = {}
        self._read_up_to: dict[Partition, int] = {}
        self._chains: dict[tuple[Partition, bytes], deque[Queued[J]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._in_flight.values()))

    def outside(self, partitions: Container[Partition]) -> int:
        """How many jobs there are in other partitions than these."""
        return sum(len(offsets) for partition, offsets in self._in_flight.items() if partition not in partitions)

    def add(self, at: Coordinates, key: bytes | None, job: J) -> bool:
        """Takes a job in; True when it may start, False when it waits behind one of the same key."""
        partition = (at.topic, at.partition)
        if at.offset < self._read_up_to.get(partition, 0):
            self._in_flight.pop(partition, None)  # its topic was made again: former offsets mean nothing any more
        self._in_flight.setdefault(partition, {})[at.offset] = None
        self._read_up_to[partition] = at.offset + 1
        if key is None:
            return True
        chain = self._chains.setdefault((partition, key), deque())
        chain.append(Queued(at, key, job))
        return len(chain) == 1

    def done(self, at: Coordinates, key: bytes | None) -> Queued[J] | None:
        """Ends the job at the head of its key; returns the next one of that key, which may start."""
        partition = (at.topic, at.partition)
        self._in_flight.get(partition, {}).pop(at.offset, None)
        chain = None if key is None else self._chains.get((partition, key))
        if key is None or not chain or chain[0].at != at:
            return None
        chain.popleft()
        if chain:
            return chain[0]
        del self._chains[partition, key]
        return None

    def stop(self, leaves: Callable[[Coordinates], bool]) -> None:
        """Nothing that leaves and has not started will start any more; its offset stays uncommitted."""
        for key, chain in self._chains.items():
            self._chains[key] = deque([chain[0], *(entry for entry in list(chain)[1:] if not leaves(entry.at))])

    def committable(self) -> dict[Partition, int]:
        """By partition the offset before which everything is done."""
        return {
            partition: next(iter(self._in_flight.get(partition) or ()), read_up_to)
            for partition, read_up_to in self._read_up_to.items()
        }

    def forget(self, partitions: set[Partition]) -> None:
        """The partitions belong to somebody else now."""
        for partition in partitions:
            self._in_flight.pop(partition, None)
            self._read_up_to.pop(partition, None)
        for partition, key in [name for name in self._chains if name[0] in partitions]:
            del self._chains[partition, key]
