"""A sender without a provider."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.delivery.core.attempts import LeaseTooShort, Outcome, Sent
from shared.model.deliveries import Delivery
from shared.model.workflows import Workflow


class StubSender:
    """A Sender. `received` has every attempt in order; `outcome` answers it, or raises RenderFailed."""

    def __init__(self, outcome: Callable[[Delivery], Outcome | LeaseTooShort] = lambda _: Sent()) -> None:
        self.outcome = outcome
        self.received: list[Delivery] = []

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
        if time.monotonic() >= send_before:
            return LeaseTooShort()
        self.received.append(delivery)
        return self.outcome(delivery)

    async def close(self) -> None:
        self.received.clear()
