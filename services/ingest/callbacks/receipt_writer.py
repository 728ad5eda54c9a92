"""What follows a callback, all of it before its answer: the provider repeats what was not answered."""

from __future__ import annotations

from services.ingest.callbacks.provider import Reported
from services.ingest.callbacks.receipt_status import receipt_status
from shared.model.addresses import EMAIL_ADDRESS
from shared.model.callback_links import CallbackLink
from shared.model.errors import Invalid
from shared.model.owners import address_ids
from shared.model.ports import RecordWriter
from shared.model.receipts import Receipt, ReceiptOutcome, ReceiptStore
from shared.model.suppressions import SuppressAddress, Suppression
from shared.model.topics import Topics
from shared.process.clock import now_ms


class ReceiptWriter:
    """Writes receipts, tells of them, and suppresses addresses that are dead or want nothing."""

    def __init__(
        self, *, receipts: ReceiptStore, suppress: SuppressAddress, writer: RecordWriter, topics: Topics
    ) -> None:
        self._receipts = receipts
        self._suppress = suppress
        self._writer = writer
        self._topics = topics

    async def tell(self, link: CallbackLink, reported: Reported, account: str) -> ReceiptOutcome:
        """Done again it changes nothing. Raises MongoUnavailable, KafkaUnavailable or NewerFormat: then it is to be repeated."""
        now = now_ms()
        receipt = Receipt(state=reported.state, at=now, generation=link.generation, account=account, code=reported.code)
        kept = await self._receipts.keep(link.tenant, link.delivery, receipt)
        if kept.receipt is not None:
            await self._writer.publish([receipt_status(self._topics.statuses, link, kept, kept.receipt)])
        reason, address = reported.suppresses, link.address or _mailbox(reported.email)
        if (
            reason is not None and address is not None and not link.redirected
        ):  # of a delivery that was sent again since, too
            entry = Suppression(tenant=link.tenant, address=address, reason=reason, created_at=now, by=account)
            await self._suppress(entry)
        return kept.outcome


def _mailbox(email: str | None) -> str | None:
    """The id of an e-mail address; None for what is none."""
    if email is None:
        return None
    try:
        (address,) = address_ids({EMAIL_ADDRESS.name: EMAIL_ADDRESS.check(email, "/email")})
    except Invalid:
        return None
    return address
