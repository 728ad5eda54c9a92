"""How a router ends: drained within its time at SIGTERM, not at all when it is killed, with an error when it crashes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.router.routers import Routers, routers
from tests.support.env import Harness
from tests.support.wait import until

BACKLOG = 20_000
USERS = [f"u{number}" for number in range(400)]


@pytest.fixture
async def at(harness: Harness) -> AsyncIterator[Routers]:
    async with routers(harness) as made:
        await made.know(*USERS)
        yield made


@pytest.mark.timeout(180)
async def test_sigterm_with_a_backlog_drains_in_time_and_nothing_is_replayed(at: Routers) -> None:
    """Code 0: what was under way was finished within CARILLON_DRAIN_SECONDS, which are 20; else it is 2."""
    await at.send(*(USERS[number % len(USERS)] for number in range(BACKLOG)))
    await at.start("first")
    await at.until_delivered(BACKLOG // 10)
    assert at.stop("first") == 0
    done = await at.delivered()
    assert BACKLOG // 10 <= done < BACKLOG, "it ended in the middle"
    await at.start("second")

    async def behind() -> bool:
        agents = (await at.readyz("second")).get("agents", {})
        return any(agent["lag"] for agent in agents.values())

    await until(behind, what="/readyz says that it is behind")
    await at.until_delivered(BACKLOG, timeout=120)

    async def caught_up() -> bool:
        agents = (await at.readyz("second"))["agents"]
        worked = agents["expand"], agents["decide"]
        return all(agent["lag"] == 0 for agent in agents.values()) and all(agent["last_progress"] for agent in worked)

    await until(caught_up, what="/readyz says that it is not behind any more")
    await until(lambda: nothing_left(at), what="the metric says the same")
    assert await at.metric("second", "carillon_last_progress_timestamp_seconds") > 0
    assert await at.metric("second", "carillon_replays_total") == 0
    assert await at.metric("second", "carillon_duplicates_total") == 0
    assert at.doubled() == {}
    assert at.numbers() == {user: list(range(BACKLOG // len(USERS))) for user in USERS}


async def nothing_left(at: Routers) -> bool:
    return await at.metric("second", "carillon_lag_records") == 0


async def test_a_crash_ends_the_process_with_an_error_and_what_it_had_is_replayed(at: Routers) -> None:
    """MongoDB refuses decisions for a reason that is no outage: as a bug would, it ends the agent."""
    await at.start("router")
    await at.send(*USERS[:50])
    await at.until_delivered(50)
    async with at.harness.database() as database:
        await database.command("collMod", "decisions", validator={"never": {"$exists": True}})
        await at.send(*USERS[:50])
        router = at.harness.services["router"].child

        async def ended() -> bool:
            return not router.alive

        await until(ended, what="the end of the process")
        assert router.returncode == 1
        assert "MongoDB refused a bulk" in at.harness.log("router")
        assert await at.delivered() == 50, "nothing was carried out that is not stored"
        await database.command("collMod", "decisions", validator={})
    await at.start("router")
    await at.until_delivered(100)
    assert at.numbers() == {user: [0, 1] for user in USERS[:50]}


async def test_a_static_member_that_is_back_in_time_moves_nobody(at: Routers) -> None:
    """Killed, and started again under its name: no rebalance, and its partitions go on where it stood."""
    for name in ("router-0", "router-1"):
        at.harness.spawn("router", name, CARILLON_ROUTER_INSTANCE=name, CARILLON_SESSION_TIMEOUT_SECONDS="40")
    await at.harness.start_spawned("router-0", "router-1")
    await at.send(*USERS)
    await at.until_delivered(len(USERS))
    before = await at.metric("router-1", "carillon_assignments_total")
    at.kill("router-0")
    await at.send(*USERS)
    await at.start("router-0", CARILLON_ROUTER_INSTANCE="router-0", CARILLON_SESSION_TIMEOUT_SECONDS="40")
    await at.until_delivered(2 * len(USERS))
    assert at.numbers() == {user: [0, 1] for user in USERS}
    assert await at.metric("router-1", "carillon_assignments_total") == before
    assert before > 0
