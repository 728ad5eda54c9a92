"""Two routers, one killed, one added, under load: nothing lost, nothing out of order, nothing decided by what was."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.router.routers import Routers, routers
from tests.support.env import Harness
from tests.support.wait import until

EVENTS = 20_000
SLICE = 400
MAX_UNDER_WAY = 3_000
USERS = [f"u{number}" for number in range(500)]
CHANGES = 4
"""People in each slice who opt out, and as many who write a profile that allows everything."""
SLICES = EVENTS // SLICE
LEAVERS, STAYERS = ([f"{kind}{number}" for number in range(SLICES * CHANGES)] for kind in ("leaver", "stayer"))


@pytest.fixture
async def at(harness: Harness) -> AsyncIterator[Routers]:
    async with routers(harness) as made:
        await made.know(*USERS, *LEAVERS, *STAYERS)
        await harness.start("ingest")
        yield made


async def allow(at: Routers, user: str, allowed: bool) -> None:
    """Returns when the API has answered."""
    body = {"preferences": {"categories": {"numbers": allowed}}}
    await at.harness.call("PUT", f"/v1/users/{user}", json=body)


@pytest.mark.timeout(240)
async def test_nothing_is_lost_inverted_doubled_or_stale_whoever_comes_and_goes(at: Routers) -> None:
    await at.start("one", "two")
    await at.send(*LEAVERS, *STAYERS)  # whose profiles are in the routers' memory from here on
    expected = len(LEAVERS) + len(STAYERS)
    await at.until_delivered(expected)
    for number in range(SLICES):
        if number == SLICES // 4:
            at.kill("one")
        if number == SLICES // 2:
            at.harness.spawn("router", "three")
        if number == SLICES - 2:  # on a busy machine it starts as slowly as all the rest is done
            await at.harness.start_spawned("three")
        some = slice(number * CHANGES, (number + 1) * CHANGES)
        for leaver, stayer in zip(LEAVERS[some], STAYERS[some], strict=True):
            await allow(at, leaver, allowed=False)
            await allow(at, stayer, allowed=True)
        await at.send(*(USERS[place % len(USERS)] for place in range(number * SLICE, (number + 1) * SLICE)))
        await at.send(*LEAVERS[some], *STAYERS[some])
        expected += SLICE + CHANGES
        await at.until_delivered(expected - MAX_UNDER_WAY)
    await at.until_delivered(expected)
    work = {
        name: await at.metric("two", f"carillon_{name}_total") + await at.metric("three", f"carillon_{name}_total")
        for name in ("replays", "assignments")
    }
    assert work["replays"] > 0, work
    assert work["assignments"] >= 3, "the second was given partitions anew, and the third some"
    assert at.stop("two") == at.stop("three") == 0, "all that was under way is finished"
    assert await at.delivered() == expected

    per_user = EVENTS // len(USERS)
    found = at.numbers()
    assert {user: found[user] for user in USERS} == {user: list(range(per_user)) for user in USERS}
    assert {user: found[user] for user in STAYERS} == {user: [0, 1] for user in STAYERS}, "the control"
    assert {user: found[user] for user in LEAVERS} == {user: [0] for user in LEAVERS}, "and none after the answer"
    assert all(len(set(values)) == 1 for values in at.doubled().values()), "a replay says what was decided before"


async def test_what_changed_while_another_router_had_the_partition_counts(at: Routers) -> None:
    """The first still has the profiles in memory, and nobody told it."""
    people, control = LEAVERS[:60], STAYERS[:10]
    await at.start("one")
    await at.send(*people, *control)
    await at.until_delivered(70)
    await at.start("two")

    async def moved() -> bool:
        return await at.metric("one", "carillon_assignments_total") > 1

    await until(moved, what="partitions of the first that the second took")
    for user in people:
        await allow(at, user, allowed=False)
    assert at.stop("two") == 0
    await at.send(*people, *control)
    await at.until_delivered(80)
    assert at.stop("one") == 0
    assert await at.delivered() == 80
    found = at.numbers()
    assert {user: found[user] for user in control} == {user: [0, 1] for user in control}
    assert {user: found[user] for user in people} == {user: [0] for user in people}
