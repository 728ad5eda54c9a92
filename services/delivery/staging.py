"""What is sent as a test: rendered and counted, and nothing leaves but where the tenant's staging lets it."""

from __future__ import annotations

import msgspec

from services.delivery.breaker import Breaker
from services.delivery.core.attempts import AttemptFault, Outcome, Rejected, Sent
from services.delivery.rendering.liquid import RenderFailed
from services.delivery.tenants import TenantTexts
from shared.model.deliveries import Delivery
from shared.model.reasons import Reason
from shared.model.staging import SendMode, mode_of
from shared.model.workflows import Workflow


async def staged(tenants: TenantTexts | None, delivery: Delivery) -> tuple[SendMode, Delivery]:
    """How a delivery goes out, and the delivery to the address that it goes to. Waits while its tenant cannot be read."""
    about = delivery.notification
    settings = await tenants.of(about.tenant) if tenants is not None else None
    staging = settings.staging if settings is not None else None
    mode, address = mode_of(delivery.channel, delivery.address, test=about.test, staging=staging)
    if mode is not SendMode.REDIRECTED:
        return mode, delivery
    return mode, msgspec.structs.replace(delivery, address=address, redirected=True)


async def simulate(breaker: Breaker, delivery: Delivery, workflow: Workflow | None) -> Outcome:
    """What came of it, were it sent to somebody who takes everything: it is rendered, and that may fail."""
    await breaker.leave(delivery)
    if workflow is None:
        return Rejected(reason=Reason.UNKNOWN_WORKFLOW, fault=AttemptFault.US)
    try:
        await breaker.accounts(delivery)[0].sender.prepare(delivery, workflow)
    except RenderFailed as error:
        return Rejected(reason=Reason.RENDER_FAILED, code=str(error), fault=AttemptFault.MESSAGE)
    return Sent(receipt=SendMode.SIMULATED)
