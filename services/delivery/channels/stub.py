"""A sender for tests: it remembers what it was asked to send and answers as it is told."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.delivery.core.attempts import LeaseTooShort, Outcome, Sent
from shared.model.deliveries import Delivery
from shared.model.workflows import Workflow


def _accept(delivery: Delivery) -> Outcome:
    return Sent(receipt=delivery.id)


class StubSender:
    """A Sender without a provider. `received` has every attempt in order; `outcome` answers it, or raises RenderFailed."""

    def __init__(self, outcome: Callable[[Delivery], Outcome] = _accept) -> None:
        self.outcome = outcome
        self.received: list[Delivery] = []
        self.closed = False

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
        """Keeps the delivery, never waits."""
        del workflow
        if time.monotonic() >= send_before:
            return LeaseTooShort()
        self.received.append(delivery)
        return self.outcome(delivery)

    async def prepare(self, delivery: Delivery, workflow: Workflow) -> None:
        """Raises what `outcome` raises, and keeps nothing."""
        del workflow
        self.outcome(delivery)

    async def close(self) -> None:
        """Remembers that it was called."""
        self.closed = True
