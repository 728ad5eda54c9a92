"""`carillon.delivery.delivered`, `….undelivered`, `….bounced`, `….complained`: what a provider tells of a message."""

from __future__ import annotations

from shared.model.callback_links import CallbackLink
from shared.model.outputs import Output
from shared.model.reasons import Reason
from shared.model.receipts import Receipt, ReceiptedDelivery, ReceiptState
from shared.model.statuses import Subject, copy_facts, status


def receipt_status(topic: str, link: CallbackLink, about: ReceiptedDelivery, receipt: Receipt) -> Output:
    """The same for the same receipt, however often it is told."""
    return status(
        topic,
        area="delivery",
        state=receipt.state,
        subject=Subject(link.delivery, receipt.generation, receipt.pass_),
        tenant=link.tenant,
        user=about.user,
        at=receipt.at,
        data={
            "notification": about.notification,
            "delivery": link.delivery,
            "channel": about.channel,
            "step": about.step,
            "reason": Reason.DEAD_ADDRESS if receipt.state is ReceiptState.BOUNCED else None,
            "code": receipt.code,
            "provider": receipt.account,
            **({"workflow": about.workflow} if about.workflow is not None else {}),
            **copy_facts(about.variant, about.locale),
        },
    )
