"""What follows a receipt of a delivery that did not go to its recipient."""

from __future__ import annotations

import pytest

from services.ingest.callbacks.provider import Reported
from services.ingest.callbacks.receipt_writer import ReceiptWriter
from shared.model.callback_links import CallbackLink
from shared.model.receipts import ReceiptState
from shared.model.suppressions import SuppressionReason
from shared.model.topics import Topics
from tests.support.twins.ledger import MemoryReceipts
from tests.support.twins.publisher import MemoryPublisher
from tests.support.twins.suppressions import MemorySuppressions


@pytest.mark.parametrize("redirected", [False, True])
@pytest.mark.parametrize("state", [ReceiptState.BOUNCED, ReceiptState.COMPLAINED])
async def test_the_one_address_of_tests_is_not_suppressed(state: ReceiptState, redirected: bool) -> None:
    found = MemorySuppressions()
    writer = ReceiptWriter(receipts=MemoryReceipts({}), suppress=found.put, writer=MemoryPublisher(), topics=Topics())
    link = CallbackLink(tenant="acme", delivery="d-1", address="email\x1f1", redirected=redirected)
    await writer.tell(link, Reported(state, email="qa@acme.example"), "email/sendgrid")
    assert bool(await found.of_addresses({"acme": ["email\x1f1"]})) is not redirected


async def test_who_answered_stop_is_on_the_list_though_the_number_is_well() -> None:
    found, published = MemorySuppressions(), MemoryPublisher()
    writer = ReceiptWriter(receipts=MemoryReceipts({}), suppress=found.put, writer=published, topics=Topics())
    link = CallbackLink(tenant="acme", delivery="d-1", address="phone\x1f1")
    await writer.tell(link, Reported(ReceiptState.UNDELIVERED, "21610", unsubscribed=True), "sms/twilio")
    ((entry,),) = (await found.of_addresses({"acme": ["phone\x1f1"]})).values()
    assert (entry.reason, entry.by) == (SuppressionReason.UNSUBSCRIBED, "sms/twilio")
