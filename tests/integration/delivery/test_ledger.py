"""The ledger on a real MongoDB: who may send, who must wait, what a crash leaves, whose record counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.delivery.core.attempts import DeliveryResult
from services.delivery.core.effects import ReceivedDelivery
from services.delivery.ledger import Busy, Claimed, Ledger, Obsolete, Recorded
from shared.model.channels import Channel
from shared.model.deliveries import Delivery, DeliveryState
from shared.model.notifications import Notification
from shared.model.outputs import Coordinates
from shared.mongo.database import open_database
from tests.support.env import Names
from tests.support.wait import until

SENT = DeliveryResult(state=DeliveryState.SENT, at=1, attempts=1)
RETRYING = DeliveryResult(state=DeliveryState.RETRYING, at=1, attempts=1, due=2**41)


@pytest.fixture
async def database(names: Names) -> Any:
    async with open_database(names.brokers.mongo, names.database) as found:
        yield found


def came(pass_: int = 0, generation: int = 0) -> ReceivedDelivery:
    notification = Notification(
        id="n", tenant="default", user="u", workflow="w", version=1, event_id="e", event_type="t",
        data=msgspec.Raw(b"{}"), accepted_at=0, expires_at=2**42,
    )  # fmt: skip
    delivery = Delivery(
        id="d", channel=Channel.EMAIL, step=0, address="a@example.com", notification=notification, decided_at=0,
        pass_=pass_, generation=generation,
    )  # fmt: skip
    return ReceivedDelivery(delivery=delivery, coordinates=Coordinates("t", 0, pass_), key=b"k", value=b"{}")


def ledger(database: Any, token: str, seconds: float = 60) -> Ledger:
    return Ledger(database, token=token, lease=timedelta(seconds=seconds))


async def one(found: Ledger, record: ReceivedDelivery) -> Any:
    (claim,) = await found.claim([record])
    return claim


async def test_the_first_claims_and_others_wait(database: Any) -> None:
    first = await one(ledger(database, "a"), came())
    assert isinstance(first, Claimed)
    assert not first.crashed
    second = await one(ledger(database, "b"), came())
    assert isinstance(second, Busy)
    assert second.seconds > 50


async def test_a_recorded_result_is_met_as_a_replay(database: Any) -> None:
    mine = ledger(database, "a")
    await mine.claim([came()])
    assert await mine.record([(came().delivery, RETRYING)]) == {"d"}
    assert await one(ledger(database, "b"), came()) == Recorded(result=RETRYING)


async def test_a_later_pass_goes_on_and_the_earlier_one_is_over(database: Any) -> None:
    mine = ledger(database, "a")
    await mine.claim([came()])
    await mine.record([(came().delivery, RETRYING)])
    assert isinstance(await one(mine, came(1)), Claimed)
    assert isinstance(await one(mine, came(0)), Obsolete)


async def test_after_a_terminal_result_only_a_new_generation_goes_on(database: Any) -> None:
    mine = ledger(database, "a")
    await mine.claim([came()])
    await mine.record([(came().delivery, SENT)])
    assert isinstance(await one(mine, came(1)), Obsolete)
    assert isinstance(await one(mine, came(0, generation=1)), Claimed)


async def test_a_dead_lease_is_taken_over_as_a_crash_and_stays_one(database: Any) -> None:
    await ledger(database, "dead", seconds=0.05).claim([came()])
    heir = ledger(database, "heir")

    async def taken() -> Claimed | None:
        claim = await one(heir, came())
        return claim if isinstance(claim, Claimed) else None

    assert (await until(taken, what="the lease to end")).crashed
    again = await one(heir, came())
    assert isinstance(again, Claimed)
    assert again.crashed, "claiming again does not make it clean"


async def test_claiming_again_renews_the_lease(database: Any) -> None:
    first = await one(ledger(database, "a", seconds=5), came())
    again = await one(ledger(database, "a", seconds=60), came())
    assert again.until > first.until
    assert not again.crashed


async def test_who_lost_the_lease_records_nothing(database: Any) -> None:
    zombie = ledger(database, "zombie", seconds=0.05)
    await zombie.claim([came()])
    heir = ledger(database, "heir")

    async def taken() -> bool:
        return isinstance(await one(heir, came()), Claimed)

    await until(taken, what="the lease to end")
    assert await zombie.record([(came().delivery, SENT)]) == set()
    assert await heir.record([(came().delivery, SENT)]) == {"d"}
