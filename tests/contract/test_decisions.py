"""Stored decisions: the first insert wins, a replay gets the stored one, a duplicate is dropped."""

from __future__ import annotations

from typing import Any

import pytest

from services.router.core.decision import Decision, decide
from services.router.core.inbound import InboundRecord
from services.router.decisions import Decisions, DecisionStore
from shared.model.formats import NewerFormat
from shared.model.outputs import Coordinates
from shared.model.profiles import Preferences
from shared.model.records import notify
from shared.model.tenants import TenantSettings
from shared.mongo.database import Database
from tests.support import samples as a
from tests.support.twins.decisions import MemoryDecisions


@pytest.fixture
def decisions(implementation: str, request: pytest.FixtureRequest) -> DecisionStore:
    return MemoryDecisions() if implementation == "twin" else Decisions(request.getfixturevalue("database"))


def decision(number: int = 0, *, offset: int = 5, **inputs: Any) -> Decision:
    return a.decision(a.routing_input(notification=a.notification(id=f"n-{number}"), **inputs), offset=offset)


OPTED_OUT = a.profile(version=8, preferences=Preferences(categories={"orders": False}))


async def test_new_ones_are_carried_out_in_their_order(decisions: DecisionStore) -> None:
    asked = [decision(number) for number in (3, 1, 2)]
    assert await decisions.insert(asked) == asked
    assert await decisions.insert([]) == []


async def test_in_order_up_to_the_first_that_is_there(decisions: DecisionStore) -> None:
    asked = [decision(number) for number in range(4)]
    assert await decisions.insert_until_known(asked[2:3]) == 1
    assert await decisions.insert_until_known(asked) == 2
    assert set(await decisions.known(each.id for each in asked)) == {each.id for each in asked[:3]}
    assert await decisions.insert_until_known(asked[:1]) == 0


async def test_a_replay_gets_what_was_decided_first(decisions: DecisionStore) -> None:
    held = a.profile(quiet_hours=a.NIGHTS)
    for number, first in enumerate((decision(0), decision(1, profile=held, now=a.NIGHT), decision(2, profile=None))):
        await decisions.insert([first])
        anew = decision(number, profile=OPTED_OUT, now=a.NOON + 7)
        assert anew.items != first.items
        (carried,) = await decisions.insert([anew])
        assert (carried.items, carried.at, carried.profile_version) == (first.items, first.at, first.profile_version)
        assert carried.record == anew.record


def under(settings: TenantSettings | None) -> Decision:
    inputs = a.routing_input(tenant=settings)
    each = InboundRecord(notify(inputs.notification), inputs.notification, Coordinates("n", 1, 5))
    return decide(each, inputs, {}, at=a.NOON)


@pytest.mark.parametrize(("settings", "version"), [(None, 0), (TenantSettings(tenant="acme", version=1), 1)])
async def test_a_replay_says_under_which_settings_it_was_decided(
    decisions: DecisionStore, settings: TenantSettings | None, version: int
) -> None:
    """Else what changed meanwhile would not be compared at the claim."""
    await decisions.insert([under(settings)])
    (carried,) = await decisions.insert([under(TenantSettings(tenant="acme", version=2))])
    assert carried.tenant_version == version


async def test_other_coordinates_are_a_duplicate(decisions: DecisionStore) -> None:
    first, new = decision(0, offset=5), decision(1)
    assert await decisions.insert([first, decision(0, offset=6)]) == [first]
    assert await decisions.insert([decision(0, offset=6), new]) == [new]
    assert await decisions.insert([first]) == [first]


async def test_a_replay_and_new_ones_keep_the_order_of_the_chunk(decisions: DecisionStore) -> None:
    asked = [decision(number) for number in range(4)]
    await decisions.insert(asked[1:3])
    assert await decisions.insert(asked) == asked


@pytest.mark.real
async def test_a_decision_of_a_newer_version_is_left_to_one(database: Database) -> None:
    """But for a duplicate, which is one in every format."""
    decisions, first = Decisions(database), decision()
    await decisions.insert([first])
    await database.decisions.update_one({"_id": first.id}, {"$set": {"format": a.NEWER, "items": [{"type": "digest"}]}})
    with pytest.raises(NewerFormat) as raised:
        await decisions.insert([first])
    assert raised.value.at == first.coordinates
    assert await decisions.insert([decision(offset=6)]) == []
