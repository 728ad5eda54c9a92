"""Stored expansions: the first insert wins, a replay finds the versions it found before, a duplicate is dropped."""

from __future__ import annotations

import msgspec
import pytest

from services.router.core.expansion import Expansion, StoredExpansion
from services.router.core.parts import EventPart, LeftOut
from services.router.core.received_event import EventTenants, ReceivedEvent, read_events
from services.router.expansions import Expansions, ExpansionStore
from tests.support import samples as a
from tests.support.twins.expansions import MemoryExpansions

TENANTS = EventTenants(internal="carillon.events.accepted.v1")
REJECTED = LeftOut(reason="no_recipients", detail="nothing stands at data.to", pointer="/data/to")


@pytest.fixture
def expansions(implementation: str, request: pytest.FixtureRequest) -> ExpansionStore:
    return MemoryExpansions() if implementation == "twin" else Expansions(request.getfixturevalue("database"))


def expansion(
    number: int = 0, *, offset: int = 5, version: int = 3, at: int = a.NOON, generation: int = 0, dead: bool = False
) -> Expansion:
    [received] = read_events(a.event_record(f"e-{number}", offset=offset), a.NOON, TENANTS)
    assert isinstance(received, ReceivedEvent)
    received = msgspec.structs.replace(received, accepted_at=at, generation=generation)
    shipped = EventPart(
        workflow="order.shipped",
        version=version,
        notifications=() if dead else (a.notification(),),
        rejected=REJECTED if dead else None,
        left_out=(REJECTED,),
    )
    parts = (shipped, EventPart(workflow="order.audit", version=1))
    return Expansion(received=received, parts=parts, generation=generation)


def stored(found: Expansion) -> StoredExpansion:
    """What a replay of it gets."""
    workflows = tuple((part.workflow, part.version) for part in found.parts)
    return StoredExpansion(received=found.received, workflows=workflows, generation=found.generation)


def raised(found: Expansion, generation: int, *, first: int = a.NOON) -> Expansion:
    """As it is stored when it takes the place of one that was accepted at `first`."""
    received = msgspec.structs.replace(found.received, first_accepted_at=first)
    return msgspec.structs.replace(found, received=received, generation=generation)


async def test_new_ones_are_carried_out_in_their_order(expansions: ExpansionStore) -> None:
    asked = [expansion(number) for number in (3, 1, 2)]
    assert await expansions.insert(asked) == asked
    assert await expansions.insert([]) == []


async def test_a_replay_finds_the_versions_and_the_time_of_before(expansions: ExpansionStore) -> None:
    first = expansion(version=3, at=a.NOON)
    await expansions.insert([first])
    assert await expansions.insert([expansion(version=4, at=a.NOON + 9)]) == [stored(first)]


async def test_other_coordinates_are_a_duplicate(expansions: ExpansionStore) -> None:
    first, new = expansion(0, offset=5), expansion(1)
    assert await expansions.insert([first, expansion(0, offset=6)]) == [first]
    assert await expansions.insert([expansion(0, offset=6), new]) == [new]


async def test_a_replay_and_new_ones_keep_the_order_of_the_chunk(expansions: ExpansionStore) -> None:
    asked = [expansion(number) for number in range(4)]
    await expansions.insert(asked[1:3])
    assert await expansions.insert(asked) == [asked[0], stored(asked[1]), stored(asked[2]), asked[3]]


async def test_a_dead_one_that_is_sent_again_is_the_next_generation(expansions: ExpansionStore) -> None:
    """It is as old as the first of them, however often it is sent again."""
    first, second, third = [expansion(offset=n, dead=n < 7, at=a.NOON + 9 * (n - 5)) for n in (5, 6, 7)]
    assert await expansions.insert([first, second]) == [first, raised(second, 1)]
    assert await expansions.insert([third]) == [raised(third, 2)]
    assert await expansions.insert([expansion(offset=8)]) == [], "it lives"
    assert await expansions.insert([third]) == [stored(raised(third, 2))]


async def test_an_older_record_of_a_dead_one_is_a_duplicate(expansions: ExpansionStore) -> None:
    """The replay of a record whose place another has taken."""
    older, newer = [expansion(offset=offset, dead=True) for offset in (5, 6)]
    await expansions.insert([older])
    await expansions.insert([newer])
    assert await expansions.insert([older]) == []
    assert await expansions.insert([newer]) == [stored(raised(newer, 1))]


async def test_a_redrive_raises_the_generation_once(expansions: ExpansionStore) -> None:
    await expansions.insert([expansion(offset=5)])
    again = expansion(offset=6, version=4, generation=1)
    assert await expansions.insert([again]) == [raised(again, 1)]
    assert await expansions.insert([expansion(offset=7, generation=1)]) == []
    assert await expansions.insert([again]) == [stored(raised(again, 1))]
    assert await expansions.insert([expansion(offset=8, generation=2)]) == [
        raised(expansion(offset=8, generation=2), 2)
    ]
