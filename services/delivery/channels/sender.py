"""The port of a provider: it sends one delivery and says how that went."""

from __future__ import annotations

from typing import Protocol

from services.delivery.core.attempts import LeaseTooShort, Outcome
from shared.model.deliveries import Delivery
from shared.model.workflows import Workflow


class Sender(Protocol):
    """One provider of a channel. Library errors end at this border: `send` raises RenderFailed, and nothing else."""

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
        """Sends within the channel's time limit, the delivery id with it wherever there is a field for it.

        LeaseTooShort: nothing was sent, as the sending would have begun after `send_before` (monotonic seconds).
        """
        ...

    async def prepare(self, delivery: Delivery, workflow: Workflow) -> None:
        """Makes the message, and sends nothing. Raises RenderFailed."""
        ...

    async def close(self) -> None:
        """Ends connections; may be called without a send before it, and twice."""
        ...
