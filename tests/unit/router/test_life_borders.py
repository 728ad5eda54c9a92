"""Which life something belongs to when clocks differ, a process dies in between, or it came on a detour."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import time_machine

from shared.model.errors import MongoUnavailable
from shared.model.expansion import API_SOURCE
from shared.model.lives import CLOCKS_APART_MS, Life
from shared.model.reasons import Reason
from shared.model.records import DETOUR, profile_changed
from tests.support import samples as a
from tests.unit.router.scenes import DecideStores, at, carry, new
from tests.unit.router.test_lives import ANNOUNCED, DELETED_AT, LATER, SUCCESSOR, reasons, sent_to

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def stores() -> DecideStores:
    return DecideStores()


async def test_what_came_on_a_detour_is_told_by_its_time(stores: DecideStores) -> None:
    stores.profiles.put(SUCCESSOR)
    decider = stores.decider()
    await carry(decider, at(0, ANNOUNCED), new(1), new(2, accepted_at=DELETED_AT), new(3, accepted_at=LATER))
    assert reasons(stores) == [Reason.USER_DELETED, Reason.USER_DELETED, None]


@pytest.mark.parametrize(
    ("detour", "reason"),
    [
        ({"source": "/shop"}, Reason.USER_DELETED),
        ({"headers": [(DETOUR, b"1")]}, Reason.USER_DELETED),
        ({}, None),
        ({"source": API_SOURCE}, None),
    ],
)
async def test_on_a_detour_clocks_that_differ_give_nothing_away(
    stores: DecideStores, detour: dict[str, Any], reason: Reason | None
) -> None:
    """Accepted before the deletion by a clock that is ahead. What comes straight is told by the order of the log."""
    stores.profiles.put(msgspec.structs.replace(SUCCESSOR, life=Life(number=1, since=DELETED_AT)))
    headers = detour.pop("headers", [])
    came = new(0, accepted_at=LATER, **detour)._replace(headers=headers)
    await carry(stores.decider(), came)
    assert reasons(stores) == [reason]


async def test_decisions_that_could_not_be_stored_settle_nothing(stores: DecideStores) -> None:
    """Killed while they could not be stored: whoever reads the chunk again must still know what stands before."""
    stores.profiles.put(msgspec.structs.replace(SUCCESSOR, life=Life(number=1, since=0, settled=False)))
    stores.decisions.outages.add()
    chunk = [new(0), at(1, ANNOUNCED)]
    with pytest.raises(MongoUnavailable):
        await stores.decider().prepare(chunk)
    await carry(stores.decider(), *chunk)
    assert reasons(stores) == [Reason.USER_DELETED]


async def test_what_was_held_stays_in_its_life_whatever_its_time_says(
    stores: DecideStores, clock: time_machine.Traveller
) -> None:
    """A clock that was ahead when it was accepted does not give it to the successor at its release."""
    far = a.NOON + a.DAY
    decider = stores.decider()
    await carry(decider, new(0, deliver_at=far, expires_at=far + a.DAY, accepted_at=LATER))
    stores.profiles.put(msgspec.structs.replace(SUCCESSOR, life=Life(number=1, since=DELETED_AT)))
    await carry(decider, at(1, ANNOUNCED))
    (held,) = stores.holds.rows.values()
    await carry(decider, at(2, held.hold.record))
    assert (reasons(stores)[-1], sent_to(stores)) == (Reason.USER_DELETED, [])


async def test_what_its_own_chunk_holds_is_not_hastened(stores: DecideStores, clock: time_machine.Traveller) -> None:
    """It was decided with the new profile: hastened, it would only come back to be held again."""
    clock.move_to(a.NIGHT / 1000)
    await carry(stores.decider(), at(0, profile_changed("acme", "eve")), new(1, user="eve"))
    (row,) = stores.holds.rows.values()
    assert (row.due, row.hold.record.due) == (a.MORNING, a.MORNING)


@pytest.mark.parametrize(
    ("life", "accepted_at", "announced", "belongs"),
    [
        (Life(), 5, 0, 0),
        (Life(number=1, since=10), 10, 0, 0),
        (Life(number=1, since=10), 11, 0, 1),
        (Life(number=1, since=10, settled=False), 11, 0, 0),
        (Life(number=1, since=10, settled=False), 11, 1, 1),
        (Life(number=2, since=10, settled=False), 11, 1, 1),
    ],
)
def test_which_life_something_new_belongs_to(life: Life, accepted_at: int, announced: int, belongs: int) -> None:
    assert life.of_new(accepted_at, announced, detour=False) == belongs


@pytest.mark.parametrize(("late", "belongs"), [(0, 0), (CLOCKS_APART_MS, 0), (CLOCKS_APART_MS + 1, 1)])
def test_how_far_clocks_may_be_apart(late: int, belongs: int) -> None:
    assert Life(number=1, since=10).of_new(10 + late, 0, detour=True) == belongs
    assert Life().of_new(10 + late, 0, detour=True) == 0
