"""What follows when a provider says that nothing reaches an address, or that who reads there wants no more."""

from __future__ import annotations

from typing import Final

from shared.model.deliveries import Delivery, DeliveryResult
from shared.model.owners import address_ids
from shared.model.reasons import Reason
from shared.model.suppressions import Suppression, SuppressionReason

_LISTED: Final = {
    Reason.DEAD_ADDRESS: SuppressionReason.BOUNCED,
    Reason.ADDRESS_SUPPRESSED: SuppressionReason.UNSUBSCRIBED,
}


def suppression(delivery: Delivery, result: DeliveryResult) -> Suppression | None:
    """The entry of its address, the same for the same result; None: it goes on, or is dead only for this channel.

    A test that was redirected says nothing of the address of its own.
    """
    spec = delivery.channel.spec
    reason = None if result.reason is None else _LISTED.get(result.reason)
    if reason is None or not spec.suppresses_dead or spec.address is None or result.mode:
        return None
    (address,) = address_ids({spec.address.name: delivery.address})
    return Suppression(
        tenant=delivery.notification.tenant,
        address=address,
        reason=reason,
        created_at=result.at,
        by=result.log[-1].account if result.log else delivery.channel,
    )
