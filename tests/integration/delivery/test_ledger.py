"""The ledger on a real MongoDB: who may send, who must wait, what a crash leaves, whose record counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.model.channels import Channel
from shared.model.claims import Busy, Claimed, Obsolete, Recorded
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.notifications import Notification
from shared.model.outputs import KafkaRecord
from shared.mongo.database import open_database
from shared.mongo.ledger import Ledger
from tests.support.env import Names
from tests.support.wait import until

SENT = DeliveryResult(state=DeliveryState.SENT, at=1, attempts=1)
RETRYING = DeliveryResult(state=DeliveryState.RETRYING, at=1, attempts=1, due=2**41)


@pytest.fixture
async def database(names: Names) -> Any:
    async with open_database(names.brokers.mongo, names.database) as found:
        yield found


def received(pass_: int = 0, generation: int = 0) -> ReceivedDelivery:
    notification = Notification(
        id="n", tenant="default", user="u", workflow="w", version=1, event_id="e", event_type="t",
        data=msgspec.Raw(b"{}"), accepted_at=0, expires_at=2**42,
    )  # fmt: skip
    delivery = Delivery(
        id="d", channel=Channel.EMAIL, step="notify", address="a@example.com", notification=notification, decided_at=0,
        pass_=pass_, generation=generation,
    )  # fmt: skip
    return ReceivedDelivery(delivery=delivery, record=KafkaRecord("t", 0, pass_, b"k", b"{}", [], 0))


def ledger(database: Any, token: str, seconds: float = 60) -> Ledger:
    return Ledger(database, token=token, lease=timedelta(seconds=seconds))


async def one(found: Ledger, record: ReceivedDelivery) -> Any:
    (claim,) = await found.claim([record])
    return claim


async def test_the_first_claims_and_others_wait(database: Any) -> None:
    first = await one(ledger(database, "a"), received())
    assert isinstance(first, Claimed)
    assert not first.crashed
    second = await one(ledger(database, "b"), received())
    assert isinstance(second, Busy)
    assert second.seconds > 50


async def test_a_recorded_result_is_met_as_a_replay(database: Any) -> None:
    mine = ledger(database, "a")
    await mine.claim([received()])
    assert await mine.record([(received().delivery, RETRYING)]) == {"d"}
    assert await one(ledger(database, "b"), received()) == Recorded(result=RETRYING)


async def test_a_later_pass_goes_on_and_the_earlier_one_is_over(database: Any) -> None:
    mine = ledger(database, "a")
    await mine.claim([received()])
    await mine.record([(received().delivery, RETRYING)])
    assert isinstance(await one(mine, received(1)), Claimed)
    assert isinstance(await one(mine, received(0)), Obsolete)


async def test_after_a_terminal_result_only_a_new_generation_goes_on(database: Any) -> None:
    mine = ledger(database, "a")
    await mine.claim([received()])
    await mine.record([(received().delivery, SENT)])
    assert isinstance(await one(mine, received(1)), Obsolete)
    assert isinstance(await one(mine, received(0, generation=1)), Claimed)


async def test_a_dead_lease_is_taken_over_as_a_crash_and_stays_one(database: Any) -> None:
    await ledger(database, "dead", seconds=0.05).claim([received()])
    heir = ledger(database, "heir")

    async def taken() -> Claimed | None:
        claim = await one(heir, received())
        return claim if isinstance(claim, Claimed) else None

    assert (await until(taken, what="the lease to end")).crashed
    again = await one(heir, received())
    assert isinstance(again, Claimed)
    assert again.crashed, "claiming again does not make it clean"


async def test_claiming_again_renews_the_lease(database: Any) -> None:
    await one(ledger(database, "a", seconds=5), received())
    first = await database.deliveries.find_one({"_id": "d"})
    again = await one(ledger(database, "a", seconds=60), received())
    renewed = await database.deliveries.find_one({"_id": "d"})
    assert renewed["lease"] > first["lease"]
    assert again == Claimed(crashed=False)


async def test_who_lost_the_lease_records_nothing(database: Any) -> None:
    zombie = ledger(database, "zombie", seconds=0.05)
    await zombie.claim([received()])
    heir = ledger(database, "heir")

    async def taken() -> bool:
        return isinstance(await one(heir, received()), Claimed)

    await until(taken, what="the lease to end")
    assert await zombie.record([(received().delivery, SENT)]) == set()
    assert await heir.record([(received().delivery, SENT)]) == {"d"}
