"""Two services' clocks ten seconds apart: nothing is early by the clock of who receives it, lost or doubled.

Cancels, scheduled ones and the end of quiet hours are among the load, right up to the minute in which they end.
"""

from __future__ import annotations

import os
from itertools import product
from typing import Any

import pytest

from sandbox.free_ports import free_ports
from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from tests.chaos.load import data, mark
from tests.chaos.run import TELLS_DOUBLES, begun
from tests.support.env import Harness
from tests.support.skewed_clocks import skewed
from tests.support.wait import until

SKEWS = [{"router": 5, "delivery": -5}, {"router": -5, "delivery": 5}, {"ingest": 5, "gateway": -5}]
SHORT = 1
"""How many of them a run has that is not to be long."""
MINUTE_MS = 60_000
SCHEDULED_MS = 20_000
"""Longer than all of it takes to be asked for."""
LEAD_MS = 15_000
PER_SECOND = 10
"""So few that each is sent at once: who is early by less than it takes is not found out."""
SOON_MS = 4_500
"""Less than a clock is ahead, and as much as there can be."""
SERVICES = ("sink", "ingest", "router", "scheduler", "delivery", "gateway", "console")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("skews", SKEWS if os.environ.get("CARILLON_CHAOS_LONG") else SKEWS[:SHORT], ids=str)
async def test_nothing_is_early_whatever_a_clock_says(harness: Harness, skews: dict[str, int]) -> None:
    harness.more = TELLS_DOUBLES
    for name in SERVICES:
        harness.spawn(name, **(skewed(skews[name]) if name in skews else {}))
    await harness.start_spawned()
    async with begun(harness) as run:
        load = run.load
        load.soon_ms = SOON_MS
        load.quiet_until = ((now_ms() + LEAD_MS) // MINUTE_MS + 1) * MINUTE_MS
        while now_ms() < load.quiet_until:
            await load.send(PER_SECOND, per_second=PER_SECOND)
        found = await run.settled()
        assert found.faults() == {}
        assert found.holds > 0
        assert found.ends["cancelled"] > 0
        assert load.counts["quiet"] > 5, "held until it was quiet no more"
        await run.erased()

        async def measured() -> bool:
            ahead = [await run.gauge(name, "carillon_clock_ahead_seconds") for name in skews]
            return all(abs(value - skew) < 1 for value, skew in zip(ahead, skews.values(), strict=True))

        await until(measured, what="the clocks are as wrong as they were made")


@pytest.mark.timeout(300)
async def test_what_is_scheduled_again_after_a_cancel_lives_whichever_pods_were_asked(harness: Harness) -> None:
    """Ten seconds between two pods' clocks: by their times, half of the cancels would come before what they cancel."""
    pods = {"early": harness.ports["ingest"], "late": free_ports(1)[0]}
    for seconds, (label, port) in zip((-5, 5), pods.items(), strict=True):
        harness.spawn("ingest", label, CARILLON_INGEST_PORT=str(port), **skewed(seconds))
    for name in ("sink", "router", "scheduler", "delivery"):
        harness.spawn(name)
    await harness.start_spawned()
    async with harness.client() as http:

        async def call(pod: str, method: str, path: str, body: dict[str, object]) -> dict[str, Any]:
            async with http.request(method, f"http://127.0.0.1:{pods[pod]}{path}", json=body) as response:
                answer: dict[str, Any] = await response.json()
                assert response.ok, answer
                return answer

        async def schedule(pod: str, user: str, number: int, part: int) -> None:
            due = rfc3339(now_ms() + SCHEDULED_MS)
            about = data(number, part)
            body = {"workflow": "order.shipped", "recipients": [user], "data": about, "deliver_at": due}
            await call(pod, "POST", "/v1/notifications", body | {"cancellation_key": user})

        users = {}
        for number, (first, cancels, again) in enumerate(product(pods, repeat=3)):
            user = users[first, cancels, again] = f"c{number}"
            await call(first, "PUT", f"/v1/users/{user}", {"addresses": {}})
            await schedule(first, user, number, 0)
            await call(cancels, "POST", "/v1/notifications/cancel", {"cancellation_key": user})
            await schedule(again, user, number, 1)

    async def inboxes() -> dict[str, list[str]]:
        async with harness.database() as database:
            if await database.holds.count_documents({}):
                return {}
            rows = [row async for row in database.inbox.find()]
        return {user: [row["title"] for row in rows if row["user"] == user] for user in users.values()}

    async def settled() -> dict[str, list[str]]:
        found = await inboxes()
        return found if found and all(found.values()) else {}

    found = await until(settled, what="nothing waits, and everybody got something")
    for number, (asked, user) in enumerate(users.items()):
        assert [mark(number, 1) in title for title in found[user]] == [True], (asked, found[user])
