"""The ledger: who may send, who must wait, what a crash leaves, whose record counts, what is closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.model.attempts import Attempt, AttemptOutcome
from shared.model.claims import Busy, Claimed, Closing, NewerRow, Obsolete, Recorded
from shared.model.deliveries import DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.ports import LedgerStore
from shared.model.reasons import Reason
from shared.mongo.ledger import Ledger
from tests.support import samples as a
from tests.support.twins.ledger import MemoryLedger, MemoryLedgerRow

ENDED = -1
"""Seconds of a lease that is over as soon as it is taken."""
SENT = DeliveryResult(state=DeliveryState.SENT, at=1, attempts=1)
RETRYING = DeliveryResult(state=DeliveryState.RETRYING, at=1, attempts=1, due=2**41)
CANCELLED = DeliveryResult(state=DeliveryState.CANCELLED, at=2, attempts=1, reason=Reason.CANCELLED)


def attempt(number: int) -> Attempt:
    return Attempt(account="sms/twilio", outcome=AttemptOutcome.FAILED, at=number, latency_ms=5, code="500")


Process = Callable[..., LedgerStore]


@pytest.fixture
def process(implementation: str, request: pytest.FixtureRequest) -> Process:
    """The ledger as a process with a token of its own sees it."""
    if implementation == "twin":
        rows: dict[str, MemoryLedgerRow] = {}
        return lambda token, seconds=60: MemoryLedger(rows, token=token, lease=timedelta(seconds=seconds))
    database = request.getfixturevalue("database")
    return lambda token, seconds=60: Ledger(database, token=token, lease=timedelta(seconds=seconds))


def received(pass_: int = 0, generation: int = 0, id_: str = "d") -> ReceivedDelivery:
    return a.received(id=id_, pass_=pass_, generation=generation)


async def one(ledger: LedgerStore, record: ReceivedDelivery) -> Any:
    (claim,) = await ledger.claim([record])
    return claim


def closing(pass_: int, generation: int = 0) -> Closing:
    return Closing(delivery="d", generation=generation, pass_=pass_, result=CANCELLED)


async def test_the_first_claims_and_others_wait(process: Process) -> None:
    first = await one(process("a"), received())
    assert isinstance(first, Claimed)
    assert not first.crashed
    second = await one(process("b"), received())
    assert isinstance(second, Busy)
    assert 50 < second.seconds <= 60


async def test_claims_of_a_batch_stand_in_its_order(process: Process) -> None:
    await process("a").claim([received(id_="busy")])
    claims = await process("b").claim([received(id_="free"), received(id_="busy"), received(id_="free too")])
    assert [type(claim) for claim in claims] == [Claimed, Busy, Claimed]


async def test_a_recorded_result_is_met_as_a_replay(process: Process) -> None:
    mine = process("a")
    await mine.claim([received()])
    assert await mine.record([(received().delivery, RETRYING)]) == {"d"}
    assert await one(process("b"), received()) == Recorded(result=RETRYING)


async def test_a_later_pass_goes_on_and_the_earlier_one_is_over(process: Process) -> None:
    mine = process("a")
    await mine.claim([received()])
    await mine.record([(received().delivery, RETRYING)])
    assert isinstance(await one(mine, received(1)), Claimed)
    assert isinstance(await one(mine, received(0)), Obsolete)


async def test_after_a_terminal_result_only_a_new_generation_goes_on(process: Process) -> None:
    mine = process("a")
    await mine.claim([received()])
    await mine.record([(received().delivery, SENT)])
    assert isinstance(await one(mine, received(1)), Obsolete)
    assert isinstance(await one(mine, received(0, generation=1)), Claimed)


async def test_a_dead_lease_is_taken_over_as_a_crash_and_stays_one(process: Process) -> None:
    await process("dead", ENDED).claim([received()])
    heir = process("heir")
    assert await one(heir, received()) == Claimed(crashed=True)
    assert await one(heir, received()) == Claimed(crashed=True), "claiming again does not make it clean"


async def test_claiming_again_renews_the_lease(process: Process) -> None:
    await one(process("a", ENDED), received())
    assert await one(process("a", 60), received()) == Claimed(crashed=False)
    assert isinstance(await one(process("b"), received()), Busy)


async def test_who_lost_the_lease_records_nothing(process: Process) -> None:
    zombie = process("zombie", ENDED)
    await zombie.claim([received()])
    heir = process("heir")
    assert isinstance(await one(heir, received()), Claimed)
    assert await zombie.record([(received().delivery, SENT)]) == set()
    assert await heir.record([(received().delivery, SENT)]) == {"d"}


async def test_a_late_result_of_an_earlier_pass_is_nobodys(process: Process) -> None:
    mine, other = process("a", ENDED), process("b")
    await mine.claim([received()])
    await one(other, received())
    await other.record([(received().delivery, RETRYING)])
    await mine.claim([received(1)])
    late = [(received().delivery, SENT)]
    assert await mine.record(late) == set()
    assert await mine.record([*late, (received(1).delivery, RETRYING)]) == {"d"}
    assert await one(other, received(1)) == Recorded(result=RETRYING)


async def test_recording_again_is_the_same(process: Process) -> None:
    mine = process("a")
    await mine.claim([received()])
    for _ in range(2):
        assert await mine.record([(received().delivery, SENT)]) == {"d"}
    assert await mine.record([]) == set()


async def test_one_lost_claim_costs_its_neighbours_nothing(process: Process) -> None:
    mine = process("a", ENDED)
    await mine.claim([received(id_="kept"), received(id_="lost")])
    await process("b").claim([received(id_="lost")])
    results = [(received(id_=name).delivery, SENT) for name in ("kept", "lost")]
    assert await mine.record(results) == {"kept"}


async def test_a_closed_delivery_is_not_sent(process: Process) -> None:
    mine = process("a")
    await mine.claim([received()])
    await mine.record([(received().delivery, RETRYING)])
    await mine.close([closing(1)])
    assert isinstance(await one(mine, received(0)), Obsolete)
    assert await one(mine, received(1)) == Recorded(result=CANCELLED)
    assert isinstance(await one(mine, received(2)), Obsolete)


async def test_what_was_sent_or_went_on_is_not_closed(process: Process) -> None:
    mine = process("a")
    await mine.claim([received(1)])
    await mine.close([closing(1), closing(0), closing(2, generation=1)])
    assert isinstance(await one(process("b"), received(1)), Busy), "it is still claimed"
    assert await mine.record([(received(1).delivery, SENT)]) == {"d"}
    await mine.close([closing(2)])
    assert await one(mine, received(1)) == Recorded(result=SENT)


async def test_closing_nothing_and_the_unknown_is_nothing(process: Process) -> None:
    mine = process("a")
    await mine.close([])
    await mine.close([closing(1)])
    assert await one(mine, received()) == Claimed()


async def newer(request: pytest.FixtureRequest, rows: dict[str, MemoryLedgerRow] | None) -> None:
    """A newer version goes on with the row, into a state that is not known here."""
    if rows is not None:
        rows["d"] = msgspec.structs.replace(rows["d"], format=a.NEWER)
    else:
        change = {"$set": {"format": a.NEWER, "state": "bounced", "result": {"state": "bounced"}}}
        await request.getfixturevalue("database").deliveries.update_one({"_id": "d"}, change)


async def test_a_row_of_a_newer_version_is_neither_claimed_nor_closed(
    process: Process, request: pytest.FixtureRequest
) -> None:
    ledger = process("a", ENDED)
    await one(ledger, received(pass_=1))
    await newer(request, getattr(ledger, "rows", None))
    assert await one(process("b"), received(pass_=1)) == NewerRow(format=a.NEWER)
    assert await one(process("b"), received(pass_=2)) == NewerRow(format=a.NEWER)
    assert isinstance(await one(process("b"), received()), Obsolete), "the places keep their meaning"
    await process("b").close([closing(2)])
    assert await one(process("b"), received(pass_=1)) == NewerRow(format=a.NEWER)
