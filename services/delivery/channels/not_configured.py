"""Stands where a channel has no provider: what is for it waits, and says why, until one is set up."""

from __future__ import annotations

from services.delivery.core.attempts import AttemptFault, LeaseTooShort, Outcome, ProviderUnavailable
from shared.model.deliveries import Delivery
from shared.model.workflows import Workflow


class NotConfigured:
    """A Sender that is unavailable: its deliveries are parked, fall back, or expire at their time."""

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
        """Sends nothing."""
        del delivery, workflow, send_before
        return ProviderUnavailable(code="not_configured", fault=AttemptFault.US)

    async def prepare(self, delivery: Delivery, workflow: Workflow) -> None:
        """Nothing is known of how it would look."""

    async def close(self) -> None:
        """There is nothing to close."""
