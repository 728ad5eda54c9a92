"""The ledger in memory. Several of them on the same rows are several processes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from shared.model import formats
from shared.model.attempts import Attempt, newest
from shared.model.claims import Claim, Claimed, Closing, LedgerEntry, judge
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.errors import MongoUnavailable
from shared.model.receipts import Receipt, ReceiptedDelivery, ReceiptOutcome, advance
from shared.process.clock import now_ms
from tests.support.twins.outages import Outages


class MemoryLedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery; `lease` in milliseconds since the epoch."""

    generation: int
    pass_: int
    state: DeliveryState
    token: str
    lease: int
    crashed: bool = False
    maybe_sent: bool = False
    result: DeliveryResult | None = None
    format: int = formats.OLDEST
    delivery: Delivery | None = None
    attempt_log: tuple[Attempt, ...] = ()
    """Of the passes before the result's."""
    receipt: Receipt | None = None

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return newest([*self.attempt_log, *(self.result.log if self.result else ())])


class MemoryLedger:
    """A LedgerStore whose claims are under `token`."""

    def __init__(
        self,
        rows: dict[str, MemoryLedgerRow] | None = None,
        *,
        token: str = "worker",
        lease: timedelta = timedelta(seconds=60),
    ) -> None:
        self.rows = {} if rows is None else rows
        self.outages = Outages(MongoUnavailable)
        self._token = token
        self._lease_ms = round(lease.total_seconds() * 1000)

    async def claim(self, batch: Sequence[ReceivedDelivery]) -> list[Claim]:
        async with self.outages.call():
            now = now_ms()
            return [self._claim(received.delivery, now) for received in batch]

    def _claim(self, delivery: Delivery, now: int) -> Claim:
        row = self.rows.get(delivery.id)
        claim: Claim = Claimed() if row is None else judge(_entry(row, now), delivery, self._token)
        if isinstance(claim, Claimed):
            self.rows[delivery.id] = MemoryLedgerRow(
                generation=delivery.generation,
                pass_=delivery.pass_,
                state=DeliveryState.CLAIMED,
                token=self._token,
                lease=now + self._lease_ms,
                crashed=claim.crashed,
                maybe_sent=claim.crashed or (row is not None and row.maybe_sent),
                delivery=delivery,
                attempt_log=row.attempts if row else (),
                receipt=row.receipt if row else None,
            )
        return claim

    async def record(self, results: Sequence[tuple[Delivery, DeliveryResult]]) -> set[str]:
        ours = set()
        async with self.outages.call():
            for delivery, result in results:
                row = self.rows.get(delivery.id)
                if row is not None and _fence(row) == (delivery.generation, delivery.pass_, self._token):
                    ours.add(delivery.id)
                    self.rows[delivery.id] = msgspec.structs.replace(row, state=result.state, result=result)
        return ours

    async def close(self, closings: Sequence[Closing]) -> None:
        async with self.outages.call():
            for closing in closings:
                row = self.rows.get(closing.delivery)
                if row is None or row.generation != closing.generation or row.pass_ >= closing.pass_:
                    continue
                if not row.state.is_terminal and row.format <= formats.FORMAT:
                    self.rows[closing.delivery] = msgspec.structs.replace(
                        row,
                        pass_=closing.pass_,
                        state=closing.result.state,
                        result=closing.result,
                        attempt_log=row.attempts,
                    )


class MemoryReceipts:
    """A ReceiptStore on a ledger's rows."""

    def __init__(self, rows: dict[str, MemoryLedgerRow]) -> None:
        self.rows = rows
        self.outages = Outages(MongoUnavailable)

    async def keep(self, tenant: str, delivery: str, receipt: Receipt) -> ReceiptedDelivery:
        async with self.outages.call():
            row = self.rows.get(delivery)
            about = row.delivery if row else None
            if row is None or about is None or about.notification.tenant != tenant:
                return ReceiptedDelivery(ReceiptOutcome.UNKNOWN)
            if row.generation < receipt.generation:
                return ReceiptedDelivery(ReceiptOutcome.UNKNOWN)
            formats.check("ledger row", row.format)
            outcome = ReceiptOutcome.LATE if row.generation > receipt.generation else advance(row.receipt, receipt)
            if outcome is ReceiptOutcome.LATE:
                return ReceiptedDelivery(outcome)
            known = row.receipt
            if outcome is ReceiptOutcome.ADVANCED:
                known = msgspec.structs.replace(receipt, pass_=row.pass_)
                self.rows[delivery] = msgspec.structs.replace(row, receipt=known)
            notification = about.notification
            return ReceiptedDelivery(
                outcome, notification.user, notification.id, about.channel, about.step, known, notification.workflow,
                about.variant, about.locale,
            )  # fmt: skip


def _fence(row: MemoryLedgerRow) -> tuple[int, int, str]:
    return row.generation, row.pass_, row.token


def _entry(row: MemoryLedgerRow, now: int) -> LedgerEntry:
    return LedgerEntry(
        generation=row.generation,
        pass_=row.pass_,
        state=row.state,
        token=row.token,
        lease_seconds=(row.lease - now) / 1000,
        crashed=row.crashed,
        result=row.result,
        format=row.format,
    )
