"""Faust's buffer between fetching and the agents, bounded in bytes as well."""

from __future__ import annotations

from typing import Any, Final

import faust
from faust.types import EventT
from mode.utils.queues import ThrowableQueue

QUEUED_BYTES: Final = 32 * 1_048_576
"""Of one topic; behind it fetching waits. 65,536 records of 1 MiB would be 64 GiB."""


class ByteBoundedQueue(ThrowableQueue[EventT[bytes]]):
    """Full by count, or by what its messages hold (`Consumer._to_message` has said how much)."""

    held = 0
    """Bytes."""

    def _put(self, item: EventT[bytes]) -> None:
        self.held += item.message.serialized_value_size
        super()._put(item)

    def _get(self) -> EventT[bytes]:
        item: EventT[bytes] = super()._get()
        self.held -= item.message.serialized_value_size
        return item

    def clear(self) -> None:
        """Drops everything: the partitions go."""
        super().clear()
        self.held = 0

    def full(self) -> bool:
        """Whether `put` waits; it takes one more that goes beyond the bound."""
        return self.held >= QUEUED_BYTES or super().full()


class App(faust.App):
    """A Faust app whose channels are bounded in bytes."""

    def FlowControlQueue(  # noqa: N802  # Faust's name
        self, maxsize: int | None = None, *, clear_on_resume: bool = False
    ) -> ThrowableQueue[Any]:
        """As Faust's."""
        return ByteBoundedQueue(maxsize=maxsize, flow_control=self.flow_control, clear_on_resume=clear_on_resume)
