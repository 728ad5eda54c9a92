"""Sends to the targets that the operator has named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from services.delivery.channels.apprise.calls import Notify, TargetCalls
from services.delivery.channels.apprise.compose import compose
from services.delivery.channels.apprise.targets import find_target
from services.delivery.core.attempts import LeaseTooShort, Outcome, Rejected
from services.delivery.tenants import TenantTexts
from shared.model.deliveries import Delivery
from shared.model.reasons import Reason
from shared.model.workflows import Workflow

UNKNOWN_TARGET: Final = Rejected(reason=Reason.DEAD_ADDRESS, code="unknown_target")


class AppriseSender:
    """A Sender. No service has a field for the delivery id: a message that is sent twice is two messages."""

    def __init__(
        self,
        targets: Mapping[str, str],
        open_service: Callable[[str], Notify],
        *,
        timeout_seconds: float,
        tenants: TenantTexts | None = None,
    ) -> None:
        """`targets`: URLs by name; `tenants`: what texts see of them, if anything."""
        self._calls = {
            name: TargetCalls(partial(open_service, url), timeout_seconds=timeout_seconds)
            for name, url in targets.items()
        }
        self._targets = targets
        self._tenants = tenants

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
        """As Sender says."""
        tenant = delivery.notification.tenant
        message = compose(delivery, workflow, await self._tenants.of(tenant) if self._tenants is not None else None)
        name = find_target(self._targets, tenant, delivery.address)
        return UNKNOWN_TARGET if name is None else await self._calls[name].notify(message, send_before)

    async def prepare(self, delivery: Delivery, workflow: Workflow) -> None:
        """Raises RenderFailed."""
        tenant = delivery.notification.tenant
        compose(delivery, workflow, await self._tenants.of(tenant) if self._tenants is not None else None)

    async def close(self) -> None:
        """Waits for no call: what is under way in a thread ends with the process."""
