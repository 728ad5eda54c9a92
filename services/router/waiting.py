"""Partitions of one agent that wait at a record which only a newer version can read.

What stands before it goes on, and so do the other partitions. Its own events are kept here, in order and not
acknowledged, and nothing more of it is fetched; now and then the first is offered again, for what it waited for (a
workflow, a profile) may be readable by then. Whoever gets the partition reads it from its last commit.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from faust.types import EventT

from services.router.faust.streams import Chunk
from shared.model.formats import NewerFormat
from shared.model.outputs import Coordinates, Partition
from shared.process.newer import NewerRecords


class Fetching(Protocol):
    """What of Faust decides about partitions and queued events."""

    def hold_back(self, partition: Partition, chunk: Chunk) -> None:
        """Fetches no more of the partition; a rebalance does not wait for the chunk's events."""
        ...

    def take_up(self, chunk: Chunk) -> None:
        """The chunk's events are worked on again: a rebalance waits for them."""
        ...

    def go_on(self, partition: Partition) -> None:
        """Fetches it again."""
        ...

    def offer(self, event: EventT[bytes]) -> None:
        """Queues an event once more."""
        ...


@dataclass(slots=True)
class _Backlog:
    first: Coordinates
    chunk: Chunk
    generation: int | None
    """Of the assignment under which its events were read."""


class WaitingPartitions:
    """Those of one agent; while there is none, a chunk costs one comparison."""

    def __init__(self, fetching: Fetching, newer: NewerRecords) -> None:
        self._fetching = fetching
        self._newer = newer
        self._backlogs: dict[Partition, _Backlog] = {}
        self._returning: dict[Partition, Coordinates] = {}

    @property
    def count(self) -> int:
        """How many records wait here."""
        return sum(len(backlog.chunk.events) for backlog in self._backlogs.values())

    def ready(self, chunk: Chunk) -> Chunk:
        """The chunk without what waits, and with all of a partition whose first event was offered again."""
        if not self._backlogs:
            return chunk
        ready = Chunk([], [])
        for record, event in zip(chunk.records, chunk.events, strict=True):
            partition = record.topic, record.partition
            backlog = self._backlogs.get(partition)
            if backlog is not None and backlog.generation != event.message.generation_id:
                self._newer.settle(backlog.first)  # the partition went and came back: it is read from its last commit
                del self._backlogs[partition]
                backlog = None
            if backlog is None:
                _add(ready, Chunk([record], [event]))
            elif event is backlog.chunk.events[0]:
                del self._backlogs[partition]
                self._returning[partition] = backlog.first
                self._fetching.take_up(backlog.chunk)
                _add(ready, backlog.chunk)
            else:
                more = Chunk([record], [event])
                _add(backlog.chunk, more)
                self._fetching.hold_back(partition, more)
        return ready

    def stand(self, chunk: Chunk, newer: NewerFormat) -> Chunk:
        """Takes what is newer, and all behind it in its partition, out of the chunk; returns the rest.

        Raises `newer` where it does not say which record waits for it.
        """
        if newer.at is None:
            raise newer
        partition = newer.at.topic, newer.at.partition
        rest, waiting = Chunk([], []), Chunk([], [])
        for record, event in zip(chunk.records, chunk.events, strict=True):
            waits = (record.topic, record.partition) == partition and record.offset >= newer.at.offset
            _add(waiting if waits else rest, Chunk([record], [event]))
        self._fetching.hold_back(partition, waiting)
        before = self._returning.pop(partition, None)
        if before is not None and before != newer.at:
            self._newer.settle(before)
        self._backlogs[partition] = _Backlog(newer.at, waiting, waiting.events[0].message.generation_id)
        backlog = self._backlogs[partition]
        pause = self._newer.note(newer.at, newer)
        asyncio.get_running_loop().call_later(pause, self._offer, partition, backlog)
        return rest

    def carried(self) -> None:
        """The chunk is decided: what came back in it waits no more."""
        for partition, first in self._returning.items():
            self._newer.settle(first)
            self._fetching.go_on(partition)
        self._returning.clear()

    def clear(self) -> None:
        """Partitions moved: all of them are read from their last commit."""
        self._newer.forget([*self._backlogs, *self._returning])
        self._backlogs.clear()
        self._returning.clear()

    def _offer(self, partition: Partition, backlog: _Backlog) -> None:
        if self._backlogs.get(partition) is backlog:
            self._fetching.offer(backlog.chunk.events[0])


def _add(to: Chunk, more: Chunk) -> None:
    to.records.extend(more.records)
    to.events.extend(more.events)
