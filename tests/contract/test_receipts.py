"""What providers tell of deliveries, in the ledger's rows beside what the workers write."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from shared.model.claims import Claimed, Obsolete, Recorded
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.formats import NewerFormat
from shared.model.ports import LedgerStore
from shared.model.receipts import Receipt, ReceiptOutcome, ReceiptState, ReceiptStore
from shared.mongo.ledger import Ledger
from shared.mongo.receipts import Receipts
from tests.contract.test_ledger import SENT, one, received
from tests.support import samples as a
from tests.support.twins.ledger import MemoryLedger, MemoryLedgerRow, MemoryReceipts

ABOUT = a.delivery(id="d").notification


def told(state: ReceiptState, *, generation: int = 0, at: int = 1) -> Receipt:
    return Receipt(state=state, at=at, generation=generation, account="sms/twilio", code="30005")


class Rows:
    """The ledger as workers and providers see it."""

    def __init__(self, implementation: str, request: pytest.FixtureRequest) -> None:
        self.memory: dict[str, MemoryLedgerRow] = {}
        self.database = None if implementation == "twin" else request.getfixturevalue("database")

    def ledger(self, token: str = "a", seconds: int = 60) -> LedgerStore:
        lease = timedelta(seconds=seconds)
        if self.database is None:
            return MemoryLedger(self.memory, token=token, lease=lease)
        return Ledger(self.database, token=token, lease=lease)

    @property
    def receipts(self) -> ReceiptStore:
        return MemoryReceipts(self.memory) if self.database is None else Receipts(self.database)

    async def tell(self, receipt: Receipt, *, tenant: str = ABOUT.tenant, delivery: str = "d") -> ReceiptOutcome:
        return (await self.receipts.keep(tenant, delivery, receipt)).outcome

    async def known(self) -> Receipt | None:
        if self.database is None:
            return self.memory["d"].receipt
        row = await self.database.deliveries.find_one({"_id": "d"})
        return msgspec.convert(row["receipt"], Receipt) if "receipt" in row else None

    async def newer(self) -> None:
        if self.database is None:
            self.memory["d"] = msgspec.structs.replace(self.memory["d"], format=a.NEWER)
        else:
            await self.database.deliveries.update_one({"_id": "d"}, {"$set": {"format": a.NEWER}})


@pytest.fixture
def rows(implementation: str, request: pytest.FixtureRequest) -> Rows:
    return Rows(implementation, request)


async def sent(rows: Rows, *, pass_: int = 0, generation: int = 0) -> None:
    await rows.ledger().claim([received(pass_, generation)])
    await rows.ledger().record([(received(pass_, generation).delivery, SENT)])


async def test_it_says_whose_delivery_it_is_and_where_it_stands(rows: Rows) -> None:
    await rows.ledger().claim([received()])
    await rows.ledger().record([(received().delivery, DeliveryResult(state=DeliveryState.RETRYING, at=1, attempts=1))])
    await sent(rows, pass_=1)
    found = await rows.receipts.keep(ABOUT.tenant, "d", told(ReceiptState.BOUNCED))
    about = received().delivery
    assert (found.outcome, found.user, found.notification) == (ReceiptOutcome.ADVANCED, ABOUT.user, ABOUT.id)
    assert (found.channel, found.step) == (about.channel, about.step)
    assert found.receipt == msgspec.structs.replace(told(ReceiptState.BOUNCED), pass_=1)
    assert await rows.known() == found.receipt


async def test_told_again_it_is_the_first_one(rows: Rows) -> None:
    await sent(rows)
    first = await rows.receipts.keep(ABOUT.tenant, "d", told(ReceiptState.DELIVERED, at=1))
    second = await rows.receipts.keep(ABOUT.tenant, "d", told(ReceiptState.DELIVERED, at=2))
    assert (second.outcome, second.receipt) == (ReceiptOutcome.REPEATED, first.receipt)


async def test_late_ones_change_nothing(rows: Rows) -> None:
    await sent(rows)
    assert await rows.tell(told(ReceiptState.BOUNCED)) is ReceiptOutcome.ADVANCED
    assert await rows.tell(told(ReceiptState.DELIVERED)) is ReceiptOutcome.LATE
    assert (await rows.receipts.keep(ABOUT.tenant, "d", told(ReceiptState.UNDELIVERED))).receipt is None
    assert await rows.tell(told(ReceiptState.COMPLAINED)) is ReceiptOutcome.ADVANCED
    known = await rows.known()
    assert known is not None
    assert known.state is ReceiptState.COMPLAINED


async def test_one_generation_says_nothing_of_another(rows: Rows) -> None:
    await sent(rows)
    assert await rows.tell(told(ReceiptState.BOUNCED)) is ReceiptOutcome.ADVANCED
    assert await rows.tell(told(ReceiptState.DELIVERED, generation=1)) is ReceiptOutcome.UNKNOWN
    await sent(rows, generation=1)
    assert await rows.tell(told(ReceiptState.COMPLAINED)) is ReceiptOutcome.LATE
    assert await rows.tell(told(ReceiptState.UNDELIVERED, generation=1)) is ReceiptOutcome.ADVANCED, "it begins anew"
    known = await rows.known()
    assert known is not None
    assert (known.generation, known.state) == (1, ReceiptState.UNDELIVERED)


async def test_what_nobody_has_and_what_is_another_tenants(rows: Rows) -> None:
    await sent(rows)
    assert await rows.tell(told(ReceiptState.BOUNCED), delivery="other") is ReceiptOutcome.UNKNOWN
    assert await rows.tell(told(ReceiptState.BOUNCED), tenant="other") is ReceiptOutcome.UNKNOWN
    assert await rows.known() is None


async def test_a_provider_may_be_faster_than_the_worker_that_records(rows: Rows) -> None:
    await rows.ledger().claim([received()])
    assert await rows.tell(told(ReceiptState.DELIVERED)) is ReceiptOutcome.ADVANCED
    for _ in range(2):  # the second time because its answer was lost
        assert await rows.ledger().record([(received().delivery, SENT)]) == {"d"}
    known = await rows.known()
    assert known is not None
    assert known.state is ReceiptState.DELIVERED, "recording takes nothing back"


async def test_claims_are_as_they_were(rows: Rows) -> None:
    await sent(rows)
    await rows.tell(told(ReceiptState.BOUNCED))
    assert await one(rows.ledger("b"), received()) == Recorded(result=SENT), "a replay"
    assert isinstance(await one(rows.ledger("b"), received(1)), Obsolete)
    assert isinstance(await one(rows.ledger("b"), received(generation=1)), Claimed), "a redrive"


async def test_a_row_of_a_newer_version_is_left_to_one(rows: Rows) -> None:
    await sent(rows)
    await rows.newer()
    with pytest.raises(NewerFormat):
        await rows.tell(told(ReceiptState.BOUNCED))


async def test_many_at_once_end_in_the_highest(rows: Rows) -> None:
    await sent(rows)
    order = [*ReceiptState] * 4
    outcomes = await asyncio.gather(*(rows.tell(told(state)) for state in order))
    assert outcomes.count(ReceiptOutcome.ADVANCED) <= len(ReceiptState)
    known = await rows.known()
    assert known is not None
    assert known.state is ReceiptState.COMPLAINED
