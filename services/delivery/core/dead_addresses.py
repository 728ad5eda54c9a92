"""What follows when a provider says that nothing reaches an address: nothing more is sent there."""

from __future__ import annotations

from shared.model.deliveries import Delivery, DeliveryResult
from shared.model.owners import address_ids
from shared.model.reasons import Reason
from shared.model.suppressions import Suppression, SuppressionReason


def suppression(delivery: Delivery, result: DeliveryResult) -> Suppression | None:
    """The entry of its address, the same for the same result; None: it is not dead, or only for this channel.

    A test that was redirected says nothing of the address of its own.
    """
    spec = delivery.channel.spec
    if result.reason is not Reason.DEAD_ADDRESS or not spec.suppresses_dead or spec.address is None or result.mode:
        return None
    (address,) = address_ids({spec.address.name: delivery.address})
    return Suppression(
        tenant=delivery.notification.tenant,
        address=address,
        reason=SuppressionReason.BOUNCED,
        created_at=result.at,
        by=result.log[-1].account if result.log else delivery.channel,
    )
