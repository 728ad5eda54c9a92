"""Stored expansions: the first insert wins, a replay finds the versions it found before, a duplicate is dropped."""

from __future__ import annotations

import msgspec
import pytest

from services.router.core.expansion import Expansion, read_events
from services.router.expansions import Expansions, ExpansionStore
from tests.support import samples as a
from tests.support.twins.expansions import MemoryExpansions


@pytest.fixture
def expansions(implementation: str, request: pytest.FixtureRequest) -> ExpansionStore:
    return MemoryExpansions() if implementation == "twin" else Expansions(request.getfixturevalue("database"))


def expansion(number: int = 0, *, offset: int = 5, version: int = 3, at: int = a.NOON) -> Expansion:
    [received], _ = read_events(a.event_record(f"e-{number}", offset=offset), a.NOON)
    received = msgspec.structs.replace(received, accepted_at=at)
    return Expansion(received=received, workflows=(("order.shipped", version), ("order.audit", 1)))


async def test_new_ones_are_carried_out_in_their_order(expansions: ExpansionStore) -> None:
    asked = [expansion(number) for number in (3, 1, 2)]
    assert await expansions.insert(asked) == asked
    assert await expansions.insert([]) == []


async def test_a_replay_finds_the_versions_and_the_time_of_before(expansions: ExpansionStore) -> None:
    first = expansion(version=3, at=a.NOON)
    await expansions.insert([first])
    assert await expansions.insert([expansion(version=4, at=a.NOON + 9)]) == [first]


async def test_other_coordinates_are_a_duplicate(expansions: ExpansionStore) -> None:
    first, new = expansion(0, offset=5), expansion(1)
    assert await expansions.insert([first, expansion(0, offset=6)]) == [first]
    assert await expansions.insert([expansion(0, offset=6), new]) == [new]


async def test_a_replay_and_new_ones_keep_the_order_of_the_chunk(expansions: ExpansionStore) -> None:
    asked = [expansion(number) for number in range(4)]
    await expansions.insert(asked[1:3])
    assert await expansions.insert(asked) == asked
